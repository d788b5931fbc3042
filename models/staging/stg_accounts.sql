{{ config(materialized='view') }}

with

accounts as (
    select * from {{ source('raw', 'accounts') }}
),

sectors as (
    select * from {{ ref('industry_sectors') }}
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

latest as (
    select *
    from accounts
    {{ keep_latest(['source_system', 'account_ref', 'observed_at']) }}
),

with_countries as (
    select
        latest.*,
        trim(latest.industry_code) as bare_code,
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
    with_countries.account_ref,
    with_countries.parent_account_ref,
    with_countries.name as account_name,
    upper(trim(with_countries.currency)) as currency,
    with_countries.country,
    with_countries.country_code,
    with_countries.region,
    subdivisions.subdivision_code,
    with_countries.industry_code,
    with_countries.industry_scheme,
    sectors.industry_sector,
    with_countries.industry,
    with_countries.organisation_structure,
    with_countries.technology_adoption,
    with_countries.business_model,
    with_countries.payment_terms,
    with_countries.technologies,
    with_countries.employees,
    with_countries.annual_revenue,
    with_countries.founded_year,
    with_countries.market_cap,
    with_countries.observed_at,
    with_countries._loaded_at as loaded_at
from with_countries
left join subdivisions
    on
        with_countries.country_code = subdivisions.country_code
        and {{ spelling('with_countries.region') }} = subdivisions.spelling
-- Ranges may lie within ranges: the longest that fits is the most exact. A shorter code than the
-- range's says too little to be in it.
left join sectors
    on
        with_countries.industry_scheme = sectors.industry_scheme
        and length(with_countries.bare_code) >= length(sectors.first_code)
        and left(with_countries.bare_code, length(sectors.first_code)) >= sectors.first_code
        and left(with_countries.bare_code, length(sectors.first_code)) <= sectors.last_code
qualify
    row_number() over (
        partition by
            with_countries.source_system, with_countries.account_ref, with_countries.observed_at
        order by length(sectors.first_code) desc nulls last
    ) = 1
