{{ config(materialized='view') }}

-- Many shops export a cancellation as an order, or a line, with a negative amount.
with

orders as (
    select * from {{ ref('fct_orders') }}
),

order_lines as (
    select * from {{ ref('stg_order_lines') }}
),

cancelled_orders as (
    select
        'cancelled order' as origin,
        source_system,
        order_id as record_id,
        order_id,
        cast(null as string) as customer_ref,
        cast(null as string) as email,
        customer_id as order_customer_id,
        currency,
        -net_amount as amount,
        true as is_counting,
        true as has_order,
        ordered_at as refunded_at,
        loaded_at
    from orders
    where origin = 'header' and status = 'cancelled' and net_amount < 0
),

cancelled_lines as (
    select
        'cancelled line' as origin,
        order_lines.source_system,
        order_lines.order_id || '/' || cast(order_lines.line_number as string) as record_id,
        order_lines.order_id,
        order_lines.customer_ref,
        cast(null as string) as email,
        orders.customer_id as order_customer_id,
        coalesce(order_lines.currency, orders.currency) as currency,
        -order_lines.net_amount as amount,
        true as is_counting,
        true as has_order,
        coalesce(order_lines.ordered_at, orders.ordered_at) as refunded_at,
        order_lines.loaded_at
    from order_lines
    inner join orders
        on
            order_lines.source_system = orders.source_system
            and order_lines.order_id = orders.order_id
    where
        orders.origin = 'lines'
        and order_lines.status = 'cancelled'
        and order_lines.net_amount < 0
)

select * from cancelled_orders
union all
select * from cancelled_lines
