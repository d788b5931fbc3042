-- Wide, so that rows many times the orders are written once; attribution_credits is the long form.
with

paths as (
    select
        *,
        touch_number = touch_count as is_last,
        cast(1000000 as bigint) as whole_credit,
        cast(abs(net_revenue) * 10000 as bigint) as whole_amount,
        case when net_revenue < 0 then -1 else 1 end as amount_sign
    from {{ ref('attribution_paths') }}
),

shared as (
    select
        *,
        {{ linear_part('whole_credit') | indent(8) }} as linear_credit,
        {{ linear_part('whole_amount') | indent(8) }} as linear_amount,
        {{ position_based_part('whole_credit') | indent(8) }} as position_based_credit,
        {{ position_based_part('whole_amount') | indent(8) }} as position_based_amount,
        {{ time_decay_credit() | indent(8) }} as time_decay_credit,
        {{ time_decay_amount() | indent(8) }} as time_decay_amount
    from paths
),

-- The weights of a path have no common part, so that its last touch looks at the others.
others as (
    select
        source_system,
        order_id,
        sum({{ time_decay_credit() | indent(8) }}) as credit,
        sum({{ time_decay_amount() | indent(8) }}) as amount
    from paths
    where not is_last
    group by source_system, order_id
)

select
    shared.source_system,
    shared.order_id,
    shared.touch_kind,
    shared.touch_id,
    shared.channel,
    shared.campaign_id,
    {%- for model, condition in {
        'first': 'touch_number = 1', 'last': 'is_last', 'last_non_direct': 'is_last_not_direct',
    }.items() %}
    cast(case when shared.{{ condition }} then 1 else 0 end as decimal(18, 6))
        as {{ model }}_credit,
    cast(case when shared.{{ condition }} then shared.net_revenue else 0 end as decimal(18, 4))
        as {{ model }}_revenue,
    {%- endfor %}
    {%- for model in ['linear', 'position_based'] %}
    cast(shared.{{ model }}_credit * 0.000001 as decimal(18, 6)) as {{ model }}_credit,
    cast(shared.{{ model }}_amount * shared.amount_sign * 0.0001 as decimal(18, 4))
        as {{ model }}_revenue,
    {%- endfor %}
    cast(case
        when shared.is_last then shared.whole_credit - coalesce(others.credit, 0)
        else shared.time_decay_credit
    end * 0.000001 as decimal(18, 6)) as time_decay_credit,
    cast(case
        when shared.is_last then shared.whole_amount - coalesce(others.amount, 0)
        else shared.time_decay_amount
    end * shared.amount_sign * 0.0001 as decimal(18, 4)) as time_decay_revenue,
    shared.touched_at,
    shared.ordered_at,
    shared.ordered_on
from shared
left join others
    on
        shared.is_last
        and shared.touch_count > 1
        and shared.source_system = others.source_system
        and shared.order_id = others.order_id
