with

customers as (
    select * from {{ ref('stg_customers') }}
),

orders as (
    select * from {{ ref('stg_orders') }}
),

order_lines as (
    select * from {{ ref('stg_order_lines') }}
),

-- A refund that names nobody belongs to whom its order names, who is seen by it too.
refunds as (
    select
        refunds.source_system,
        refunds.refunded_at,
        case
            when refunds.customer_ref is null and refunds.email is null
                then parties.customer_ref
            else refunds.customer_ref
        end as customer_ref,
        case
            when refunds.customer_ref is null and refunds.email is null
                then parties.email
            else refunds.email
        end as email
    from {{ ref('stg_refunds') }} as refunds
    left join {{ ref('order_parties') }} as parties
        on
            refunds.source_system = parties.source_system
            and refunds.order_id = parties.order_id
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
        ) as seen_at
    from order_lines
    left join orders
        on
            order_lines.source_system = orders.source_system
            and order_lines.order_id = orders.order_id
),

sightings as (
    select
        source_system,
        customer_ref,
        cast(null as string) as email,
        created_at as seen_at,
        created_at is null as is_undated
    from customers
    union all
    select
        source_system,
        customer_ref,
        case when customer_ref is null then email end as email,
        ordered_at as seen_at,
        false as is_undated
    from orders
    union all
    select
        source_system,
        customer_ref,
        cast(null as string) as email,
        seen_at,
        false as is_undated
    from lines_of_orders
    -- Lines that can form no order; a data test stops the refresh.
    where seen_at is not null
    union all
    select
        source_system,
        customer_ref,
        case when customer_ref is null then email end as email,
        refunded_at as seen_at,
        false as is_undated
    from refunds
),

-- An e-mail seen without a reference is one record whatever system it was seen in.
identified as (
    select
        case when customer_ref is null then 'email' else source_system end as source_system,
        coalesce(customer_ref, email) as reference,
        {{ record_kind('customer_ref', 'email') }} as record_kind,
        seen_at,
        is_undated
    from sightings
    where customer_ref is not null or email is not null
)

select
    source_system,
    reference,
    record_kind,
    case when not bool_or(is_undated) then min(seen_at) end as first_seen_at
from identified
group by source_system, reference, record_kind
