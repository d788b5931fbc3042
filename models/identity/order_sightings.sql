{{ config(materialized='view') }}

-- Who is named by orders, their lines and their refunds, and when.
with

orders as (
    select * from {{ ref('stg_orders') }}
),

order_lines as (
    select * from {{ ref('stg_order_lines') }}
),

-- A line happens when its order does: at the time of the header, else of its earliest line.
lines_of_orders as (
    select
        order_lines.source_system,
        order_lines.customer_ref,
        coalesce(
            orders.ordered_at,
            min(order_lines.ordered_at) over (
                partition by order_lines.source_system, order_lines.order_id
            )
        ) as ordered_at
    from order_lines
    left join orders
        on
            order_lines.source_system = orders.source_system
            and order_lines.order_id = orders.order_id
),

placeholders as (
    select * from {{ ref('identifier_placeholders') }}
),

-- A refund that names nobody belongs to whom its order names, who is seen by it too; a placeholder
-- names nobody.
refunds as (
    select
        refunds.source_system,
        refunds.refunded_at,
        refunds.customer_ref is null
        and (refunds.email is null or placeholders.identifier_value is not null) as names_nobody,
        refunds.customer_ref,
        refunds.email,
        parties.customer_ref as order_customer_ref,
        parties.email as order_email,
        parties.phone as order_phone
    from {{ ref('stg_refunds') }} as refunds
    left join {{ ref('order_parties') }} as parties
        on
            refunds.source_system = parties.source_system
            and refunds.order_id = parties.order_id
    left join placeholders
        on {{ is_placeholder_email('refunds.email', 'placeholders') }}
)

select
    source_system,
    customer_ref,
    email,
    phone_e164 as phone,
    ordered_at
from orders
union all
select
    source_system,
    customer_ref,
    cast(null as string) as email,
    cast(null as string) as phone,
    ordered_at
from lines_of_orders
-- Lines that can form no order; a data test stops the refresh.
where ordered_at is not null
union all
select
    source_system,
    case when names_nobody then order_customer_ref else customer_ref end as customer_ref,
    case when names_nobody then order_email else email end as email,
    case when names_nobody then order_phone end as phone,
    refunded_at as ordered_at
from refunds
