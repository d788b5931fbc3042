{#- What is published of the members of segments, for customers and for accounts by the same words:
    `entity` is customer or account, and the member's column is <entity>_id. -#}

{#- A query with a row per member who enters or leaves. -#}
{% macro segment_events_of(entity) -%}
with

changes as (
    select * from {{ ref('segment_changes') }} where entity = '{{ entity }}'
)

select
    {{ dbt.hash(
        "segment_key || '|' || member_id || '|' || event || '|' || cast(as_of as string)"
    ) }} as event_id,
    segment_key,
    member_id as {{ entity }}_id,
    event,
    as_of,
    definition_version,
    basis
from changes
{%- endmacro %}

{#- A query with a row per unbroken stay. -#}
{% macro segment_history_of(entity) -%}
with

changes as (
    select * from {{ ref('segment_changes') }} where entity = '{{ entity }}'
),

leavers as (
    select distinct
        segment_key,
        member_id
    from changes
    where event = 'exited'
),

-- Whose only change is an entry is in still. A window over them too would be most of the work.
marked as (
    select
        changes.*,
        leavers.member_id is not null as has_left
    from changes
    left join leavers
        on changes.segment_key = leavers.segment_key and changes.member_id = leavers.member_id
),

paired as (
    select
        *,
        lead(as_of) over (
            partition by segment_key, member_id order by as_of asc nulls last
        ) as valid_to
    from marked
    where has_left
    union all
    select
        *,
        cast(null as timestamp) as valid_to
    from marked
    where not has_left
)

select
    segment_key,
    member_id as {{ entity }}_id,
    as_of as valid_from,
    valid_to,
    definition_version,
    basis
from paired
where event = 'entered'
{%- endmacro %}

{#- A query with a row per segment and member in it now. -#}
{% macro segment_membership_of(entity) -%}
with

members as (
    select * from {{ ref('segment_members') }} where entity = '{{ entity }}'
),

winners as (
    select * from {{ ref('segment_priority_standing') }}
    where priority_list = 'default' and entity = '{{ entity }}' and is_winner
)

select
    members.segment_key,
    members.member_id as {{ entity }}_id,
    members.entered_at,
    winners.segment_key is not null as is_primary
from members
left join winners
    on members.segment_key = winners.segment_key and members.member_id = winners.member_id
{%- endmacro %}
