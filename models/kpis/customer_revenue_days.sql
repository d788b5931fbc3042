with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

revenue as (
    select revenue.*
    from {{ ref('fct_revenue') }} as revenue
    inner join spine
        on revenue.occurred_at <= spine.as_of
),

days as (
    select
        customer_id,
        occurred_on,
        min(case when kind = 'order' then occurred_at end) as first_ordered_at,
        cast(sum(order_count) as int) as order_count,
        cast(sum(net_revenue) as decimal(18, 4)) as net_revenue
    from revenue
    group by customer_id, occurred_on
)

-- One sort gives what came before and after; it also leaves the days of one customer side by side.
select
    customer_id,
    occurred_on,
    first_ordered_at,
    max(case when order_count > 0 then occurred_on end) over (
        partition by customer_id order by occurred_on asc nulls last
        rows between unbounded preceding and 1 preceding
    ) as previous_ordered_on,
    lead(occurred_on) over (
        partition by customer_id order by occurred_on asc nulls last
    ) as next_occurred_on,
    order_count,
    cast(sum(order_count) over (
        partition by customer_id order by occurred_on asc nulls last
        rows between unbounded preceding and current row
    ) as int) as order_count_to_date,
    net_revenue,
    cast(sum(net_revenue) over (
        partition by customer_id order by occurred_on asc nulls last
        rows between unbounded preceding and current row
    ) as decimal(18, 4)) as net_revenue_to_date
from days
