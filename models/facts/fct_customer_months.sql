with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

revenue as (
    select * from {{ ref('fct_revenue') }}
)

select
    revenue.customer_id,
    {{ month_start('revenue.occurred_on') }} as month_start,
    cast(sum(revenue.order_count) as bigint) as order_count,
    cast(sum(revenue.net_revenue) as decimal(18, 4)) as net_revenue,
    min(revenue.occurred_at) filter (where revenue.kind = 'order') as first_order_at,
    min(revenue.occurred_at) as first_activity_at
from revenue
inner join spine
    on revenue.occurred_at <= spine.as_of
where revenue.customer_id is not null
group by revenue.customer_id, {{ month_start('revenue.occurred_on') }}
