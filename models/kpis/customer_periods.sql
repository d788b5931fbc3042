-- What each customer did up to and in each long period; customer_id is NULL for orders of nobody.
with

periods as (
    select * from {{ ref('periods') }} where is_long
),

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

revenue as (
    select
        revenue.customer_id,
        revenue.occurred_on,
        cast(sum(revenue.order_count) as int) as order_count,
        cast(sum(revenue.net_revenue) as decimal(18, 4)) as net_revenue
    from {{ ref('fct_revenue') }} as revenue
    inner join spine
        on revenue.occurred_at <= spine.as_of
    group by revenue.customer_id, revenue.occurred_on
)

select
    periods.period_grain,
    periods.period_start,
    revenue.customer_id,
    cast(coalesce(sum(revenue.order_count) filter (
        where revenue.occurred_on >= periods.period_start
    ), 0) as int) as order_count,
    cast(coalesce(sum(revenue.net_revenue) filter (
        where revenue.occurred_on >= periods.period_start
    ), 0) as decimal(18, 4)) as net_revenue,
    cast(sum(revenue.net_revenue) as decimal(18, 4)) as net_revenue_to_date,
    cast(coalesce(sum(revenue.order_count) filter (
        where {{ in_last_days('revenue.occurred_on', 'periods.closes_on', 365) }}
    ), 0) as int) as order_count_365d,
    cast(coalesce(sum(revenue.net_revenue) filter (
        where {{ in_last_days('revenue.occurred_on', 'periods.closes_on', 365) }}
    ), 0) as decimal(18, 4)) as net_revenue_365d,
    coalesce(bool_or(revenue.order_count > 0) filter (
        where {{ in_last_days('revenue.occurred_on', add_days('periods.period_start', -1), 365) }}
    ), false) as was_active_at_start,
    coalesce(bool_or(revenue.order_count > 0) filter (
        where {{ in_last_days('revenue.occurred_on', add_days('periods.closes_on', -365), 365) }}
    ), false) as was_active_a_year_ago
from revenue
inner join periods
    on revenue.occurred_on <= periods.closes_on
group by periods.period_grain, periods.period_start, revenue.customer_id
