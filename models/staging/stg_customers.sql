with

customers as (
    select * from {{ source('raw', 'customers') }}
),

latest as (
    select *
    from customers
    {{ keep_latest(['source_system', 'customer_ref'], 'updated_at') }}
)

select
    source_system,
    customer_ref,
    {{ normalise_email('email') }} as email,
    phone,
    country,
    region,
    city,
    postal_code,
    lower(trim(gender)) as gender,
    lower(trim(income_band)) as income_band,
    lower(trim(education)) as education,
    occupation,
    acquisition_channel,
    account_ref,
    household_size,
    has_children,
    birth_date,
    created_at,
    updated_at,
    _loaded_at as loaded_at
from latest
