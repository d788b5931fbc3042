{%- set lists = var('priority_lists') -%}

-- Of the segments of a list that a member is in, the one with the least priority wins. Priorities
-- within a list are distinct, so there is one.
with

members as (
    select * from {{ ref('segment_members') }}
),

catalogue as (
    select * from {{ ref('segment_catalogue') }}
),

lists as (
    {%- for list_name in lists %}
    {%- set outer_last = loop.last %}
    {%- for key in priority_list(list_name) %}
    select
        {{ text_literal(list_name) }} as priority_list,
        '{{ key }}' as segment_key
    {%- if not (loop.last and outer_last) %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
),

standing as (
    select
        lists.priority_list,
        members.entity,
        members.member_id,
        members.segment_key,
        catalogue.priority
    from lists
    inner join catalogue
        on lists.segment_key = catalogue.segment_key
    inner join members
        on lists.segment_key = members.segment_key
),

with_winner as (
    select
        *,
        min(priority) over (
            partition by priority_list, entity, member_id
        ) as winning_priority,
        first_value(segment_key) over (
            partition by priority_list, entity, member_id order by priority asc nulls last
        ) as winning_segment_key
    from standing
)

select
    priority_list,
    entity,
    member_id,
    segment_key,
    priority,
    winning_segment_key,
    winning_priority,
    priority = winning_priority as is_winner
from with_winner
