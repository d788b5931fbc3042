{{ config(materialized='view') }}

with

market_sizes as (
    select * from {{ source('raw', 'market_sizes') }}
),

latest as (
    select *
    from market_sizes
    {{ keep_latest(['source_system', 'market', 'country', 'region', 'period_start']) }}
)

select
    source_system,
    market,
    country,
    region,
    upper(trim(currency)) as currency,
    customers as customer_count,
    revenue,
    period_start,
    _loaded_at as loaded_at
from latest
