{%- set has_plan = 'b2b' in var('segment_groups') -%}

with

membership as (
    {{ segment_membership_of('account') | indent(4) }}
),

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

-- An account of another level than the archetype of its row is in all the same.
plan as (
    {% if has_plan -%}
    select
        as_of,
        account_id,
        segment_key,
        matches_archetype
    from {{ ref('grp_b2b') }}
    {%- else -%}
    select
        cast(null as timestamp) as as_of,
        cast(null as string) as account_id,
        cast(null as string) as segment_key,
        cast(null as boolean) as matches_archetype
    where false
    {%- endif %}
)

select
    membership.segment_key,
    membership.account_id,
    membership.entered_at,
    membership.is_primary,
    plan.matches_archetype
from membership
cross join spine
left join plan
    on
        membership.account_id = plan.account_id
        and membership.segment_key = plan.segment_key
        and spine.as_of = plan.as_of
