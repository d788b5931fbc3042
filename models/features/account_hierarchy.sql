{%- set doublings = account_chain_doublings() -%}

with

attributes as (
    select * from {{ ref('account_attributes') }}
),

-- Each account points at its parent, then at whom its parent points at, and so on: every step sees
-- twice as far. An account without a parent keeps pointing at itself.
chain_0 as (
    select
        as_of,
        account_id,
        coalesce(parent_account_id, account_id) as top_account_id,
        case when parent_account_id is null then 0 else 1 end as hierarchy_level
    from attributes
),
{% for step in range(1, doublings + 1) %}
chain_{{ step }} as (
    select
        lower_part.as_of,
        lower_part.account_id,
        upper_part.top_account_id,
        lower_part.hierarchy_level + upper_part.hierarchy_level as hierarchy_level
    from chain_{{ step - 1 }} as lower_part
    inner join chain_{{ step - 1 }} as upper_part
        on
            lower_part.as_of = upper_part.as_of
            and lower_part.top_account_id = upper_part.account_id
),
{% endfor %}
ended as (
    select
        chains.as_of,
        chains.account_id,
        attributes.parent_account_id,
        chains.top_account_id,
        chains.hierarchy_level,
        tops.parent_account_id is not null as has_circular_parent
    from chain_{{ doublings }} as chains
    inner join attributes
        on chains.as_of = attributes.as_of and chains.account_id = attributes.account_id
    inner join attributes as tops
        on chains.as_of = tops.as_of and chains.top_account_id = tops.account_id
)

select
    as_of,
    account_id,
    case when not has_circular_parent then parent_account_id end as parent_account_id,
    case when has_circular_parent then account_id else top_account_id end as top_account_id,
    cast(case when has_circular_parent then 0 else hierarchy_level end as int) as hierarchy_level,
    has_circular_parent
from ended
