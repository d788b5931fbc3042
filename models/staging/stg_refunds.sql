with

refunds as (
    select * from {{ source('raw', 'refunds') }}
),

latest as (
    select *
    from refunds
    {{ keep_latest(['source_system', 'refund_id']) }}
)

select
    source_system,
    refund_id,
    order_id,
    customer_ref,
    {{ normalise_email('email') }} as email,
    upper(trim(currency)) as currency,
    reason,
    amount,
    refunded_at,
    _loaded_at as loaded_at
from latest
