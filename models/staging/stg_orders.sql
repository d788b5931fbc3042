with

orders as (
    select * from {{ source('raw', 'orders') }}
),

latest as (
    select *
    from orders
    {{ keep_latest(['source_system', 'order_id'], 'updated_at') }}
)

select
    source_system,
    order_id,
    customer_ref,
    {{ normalise_email('email') }} as email,
    phone_e164,
    coalesce(status, 'completed') as status,
    upper(trim(currency)) as currency,
    sales_channel,
    nullif(trim(coupon_code), '') as coupon_code,
    net_amount,
    coalesce(discount_amount, 0) as discount_amount,
    ordered_at,
    updated_at,
    _loaded_at as loaded_at
from latest
