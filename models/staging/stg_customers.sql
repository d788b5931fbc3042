with

customers as (
    select * from {{ source('raw', 'customers') }}
),

settings as (
    select * from {{ source('run', 'settings') }}
),

countries as (
    select * from {{ source('reference', 'countries') }}
),

subdivisions as (
    select * from {{ source('reference', 'subdivisions') }}
),

postal_codes as (
    select * from {{ source('reference', 'postal_codes') }}
),

latest as (
    select *
    from customers
    {{ keep_latest(['source_system', 'customer_ref'], 'updated_at') }}
),

with_countries as (
    select
        latest.*,
        case
            when {{ spelling('latest.country') }} is null then settings.default_country
            else countries.country_code
        end as country_code
    from latest
    cross join settings
    left join countries on {{ spelling('latest.country') }} = countries.spelling
)

select
    with_countries.source_system,
    with_countries.customer_ref,
    {{ normalise_email('with_countries.email') }} as email,
    with_countries.phone,
    with_countries.phone_e164,
    nullif(trim(with_countries.first_name), '') as first_name,
    nullif(trim(with_countries.last_name), '') as last_name,
    with_countries.country,
    with_countries.country_code,
    with_countries.region,
    subdivisions.subdivision_code,
    with_countries.city,
    with_countries.postal_code,
    {{ matches_whole(spelling('with_countries.postal_code'), 'postal_codes.postal_code_pattern') }}
        as has_valid_postal_code,
    lower(trim(with_countries.gender)) as gender,
    lower(trim(with_countries.income_band)) as income_band,
    lower(trim(with_countries.education)) as education,
    with_countries.occupation,
    with_countries.acquisition_channel,
    with_countries.acquisition_campaign_id,
    with_countries.account_ref,
    with_countries.household_size,
    with_countries.has_children,
    with_countries.birth_date,
    with_countries.created_at,
    with_countries.updated_at,
    with_countries._loaded_at as loaded_at
from with_countries
left join subdivisions
    on
        with_countries.country_code = subdivisions.country_code
        and {{ spelling('with_countries.region') }} = subdivisions.spelling
left join postal_codes on with_countries.country_code = postal_codes.country_code
