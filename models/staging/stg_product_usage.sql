{{ config(materialized='view') }}

with

product_usage as (
    select * from {{ source('raw', 'product_usage') }}
),

settings as (
    select * from {{ source('run', 'settings') }}
),

latest as (
    select *
    from product_usage
    {{ keep_latest(['source_system', 'used_on', 'feature', 'customer_ref', 'account_ref']) }}
)

select
    latest.source_system,
    latest.feature,
    latest.customer_ref,
    latest.account_ref,
    latest.uses,
    latest.minutes,
    latest.used_on,
    {{ first_instant('latest.used_on', 'settings.business_time_zone') }} as used_at,
    latest._loaded_at as loaded_at
from latest
cross join settings
