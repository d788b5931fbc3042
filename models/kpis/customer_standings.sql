{{ config(materialized='view') }}

with

customer_periods as (
    select * from {{ ref('customer_periods') }}
)

select
    period_grain,
    period_start,
    period_start as member_on,
    customer_id,
    net_revenue_to_date,
    order_count_365d,
    net_revenue_365d,
    case when was_active_at_start then 1 else 0 end as active_at_start_count,
    case when was_active_at_start and order_count > 0 then 1 else 0 end as retained_count,
    case when order_count_365d >= 1 then 1 else 0 end as buyer_count_365d,
    case when order_count_365d >= 2 then 1 else 0 end as repeat_buyer_count_365d,
    case when was_active_a_year_ago then 1 else 0 end as active_a_year_ago_count,
    case when was_active_a_year_ago and order_count_365d = 0 then 1 else 0 end
        as churned_over_year_count
from customer_periods
