with

features as (
    select * from {{ ref('customer_features') }}
)

select
    as_of,
    customer_id,
    days_since_last_order as recency_days,
    order_count_rfm_window as frequency,
    net_revenue_rfm_window as monetary
from features
where order_count_rfm_window > 0
