with

fx_rates as (
    select * from {{ source('raw', 'fx_rates') }}
),

latest as (
    select *
    from fx_rates
    {{ keep_latest(['source_system', 'rate_date', 'upper(trim(currency))']) }}
)

select
    source_system,
    upper(trim(currency)) as currency,
    rate_to_reporting,
    rate_date,
    _loaded_at as loaded_at
from latest
