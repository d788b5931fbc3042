{{ config(materialized='view') }}

with

product_usage as (
    select * from {{ source('raw', 'product_usage') }}
),

latest as (
    select *
    from product_usage
    {{ keep_latest(['source_system', 'used_on', 'feature', 'customer_ref', 'account_ref']) }}
)

select
    source_system,
    feature,
    customer_ref,
    account_ref,
    uses,
    minutes,
    used_on,
    _loaded_at as loaded_at
from latest
