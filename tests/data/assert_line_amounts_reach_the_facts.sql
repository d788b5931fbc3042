-- Where lines alone tell the orders, their amounts are in the facts to the cent: as orders, or as
-- the refunds that cancelled negative lines are.
with

headers as (
    select
        source_system,
        order_id
    from {{ ref('stg_orders') }}
),

lines as (
    select coalesce(sum(order_lines.net_amount), 0) as net_amount
    from {{ ref('stg_order_lines') }} as order_lines
    left join headers
        on
            order_lines.source_system = headers.source_system
            and order_lines.order_id = headers.order_id
    where
        headers.order_id is null
        and (
            {{ status_counts('order_lines.status') }}
            or (order_lines.status = 'cancelled' and order_lines.net_amount < 0)
        )
),

orders as (
    select coalesce(sum(net_amount), 0) as net_amount
    from {{ ref('fct_orders') }}
    where origin = 'lines' and is_counting
),

refunds as (
    select coalesce(sum(amount), 0) as net_amount
    from {{ ref('fct_refunds') }}
    where origin = 'cancelled line'
)

select
    lines.net_amount as line_amount,
    orders.net_amount as order_amount,
    refunds.net_amount as refund_amount
from lines
cross join orders
cross join refunds
where lines.net_amount <> orders.net_amount - refunds.net_amount
