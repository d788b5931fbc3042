{{ config(materialized='view') }}

with

orders as (
    select * from {{ ref('fct_orders') }}
),

refunds as (
    select * from {{ ref('fct_refunds') }}
)

select
    customer_id,
    'order' as kind,
    1 as order_count,
    reporting_net_amount as net_revenue,
    reporting_net_amount as order_net_amount,
    case when has_discount then reporting_net_amount else 0 end as discounted_net_amount,
    ordered_at as occurred_at,
    ordered_on as occurred_on
from orders
where is_counting
union all
select
    customer_id,
    'refund' as kind,
    0 as order_count,
    -reporting_amount as net_revenue,
    0 as order_net_amount,
    0 as discounted_net_amount,
    refunded_at as occurred_at,
    refunded_on as occurred_on
from refunds
where is_counting
