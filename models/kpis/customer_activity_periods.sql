-- Who did anything but buy in a period, and what. Who is first known after it (by a device that is
-- named later) was nobody's member in it.
with

days as (
    select * from {{ ref('customer_activity_days') }}
),

period_days as (
    select * from {{ ref('period_days') }} where period_grain <> 'day'
),

periods as (
    select * from {{ ref('periods') }}
),

known as (
    select * from {{ ref('known_customers') }}
),

firsts as (
    select
        customer_id,
        occurred_on as first_ordered_on
    from {{ ref('customer_revenue_days') }}
    where order_count > 0 and previous_ordered_on is null
),

summed as (
    select
        period_days.period_grain,
        period_days.period_start,
        days.customer_id,
        {%- for name in activity_sums() %}
        cast(sum(days.{{ name }}) as bigint) as {{ name }},
        {%- endfor %}
        {%- for name in activity_flags() %}
        max(days.{{ name }}) as {{ name }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from days
    inner join period_days
        on days.occurred_on = period_days.occurred_on
    group by period_days.period_grain, period_days.period_start, days.customer_id
),

marked as (
    select
        summed.*,
        summed.session_count > 0
        and (firsts.first_ordered_on is null or firsts.first_ordered_on >= summed.period_start)
            as is_visiting_prospect,
        firsts.first_ordered_on <= periods.closes_on as has_ordered
    from summed
    inner join periods
        on
            summed.period_grain = periods.period_grain
            and summed.period_start = periods.period_start
    left join firsts
        on summed.customer_id = firsts.customer_id
    left join known
        on
            summed.customer_id = known.customer_id
            and (known.first_seen_on is null or periods.closes_on >= known.first_seen_on)
    where summed.customer_id is null or known.customer_id is not null
)

select
    period_grain,
    period_start,
    period_start as member_on,
    customer_id,
    {%- for name in activity_sums() + activity_flags() %}
    {{ name }},
    {%- endfor %}
    case when is_visiting_prospect then 1 else 0 end as is_visiting_prospect,
    case when is_visiting_prospect and has_ordered then 1 else 0 end as is_converted_visitor
from marked
