-- A line whose order has no header and no time anywhere can form no order; its money would vanish.
with

order_lines as (
    select * from {{ ref('stg_order_lines') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
)

select
    order_lines.source_system,
    order_lines.order_id,
    count(*) as line_count
from order_lines
left join orders
    on order_lines.source_system = orders.source_system and order_lines.order_id = orders.order_id
where orders.order_id is null
group by order_lines.source_system, order_lines.order_id
