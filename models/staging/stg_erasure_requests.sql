{{ config(materialized='view') }}

with

erasure_requests as (
    select * from {{ source('raw', 'erasure_requests') }}
),

latest as (
    select *
    from erasure_requests
    {{ keep_latest(['source_system', 'request_id']) }}
)

select
    source_system,
    request_id,
    customer_ref,
    {{ normalise_email('email') }} as email,
    phone_e164,
    requested_at,
    _loaded_at as loaded_at
from latest
