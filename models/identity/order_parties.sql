with

orders as (
    select * from {{ ref('stg_orders') }}
),

order_lines as (
    select * from {{ ref('stg_order_lines') }}
),

from_lines as (
    select
        source_system,
        order_id,
        {{ of_counting_lines('customer_ref') }} as customer_ref
    from order_lines
    group by source_system, order_id
)

select
    source_system,
    order_id,
    customer_ref,
    email,
    phone_e164 as phone
from orders
union all
select
    from_lines.source_system,
    from_lines.order_id,
    from_lines.customer_ref,
    cast(null as string) as email,
    cast(null as string) as phone
from from_lines
left join orders
    on from_lines.source_system = orders.source_system and from_lines.order_id = orders.order_id
where orders.order_id is null
