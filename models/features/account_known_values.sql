{%- set has_place = 'country is not null or region is not null' -%}

with

spine as (
    select * from {{ ref('as_of_spine') }}
),

observations as (
    select * from {{ ref('account_observations') }}
),

held as (
    select
        spine.as_of,
        observations.*
    from observations
    inner join spine
        on observations.observed_at is null or observations.observed_at <= spine.as_of
)

select
    as_of,
    account_id,
    {{ latest_known('parent_account_id') }} as parent_account_id,
    {{ latest_known('country', has_place) }} as country,
    case
        when bool_or({{ has_place }}) then {{ latest_known('country_code', has_place) }}
        else {{ latest_known('country_code') }}
    end as country_code,
    {{ latest_known('region', has_place) }} as region,
    {{ latest_known('subdivision_code', has_place) }} as subdivision_code,
    {{ latest_known('industry_scheme', 'industry_code is not null') }} as industry_scheme,
    {{ latest_known('industry_code') }} as industry_code,
    {{ latest_known('industry_type') }} as industry_type,
    {{ latest_known('industry_sector') }} as industry_sector,
    {{ latest_known('organisation_structure') }} as organisation_structure,
    {{ latest_known('technology_adoption') }} as technology_adoption,
    {{ latest_known('business_model') }} as business_model,
    {{ latest_known('payment_terms') }} as payment_terms,
    {{ latest_known('technologies', 'technology_count is not null') }} as technologies,
    cast({{ latest_known('technology_count') }} as int) as technology_count,
    cast({{ latest_known('employees') }} as int) as employees,
    cast({{ latest_known('founded_year') }} as int) as founded_year,
    cast(
        {{ latest_known('reporting_annual_revenue', 'annual_revenue is not null') }}
        as decimal(18, 4)
    ) as annual_revenue,
    cast(
        {{ latest_known('reporting_market_cap', 'market_cap is not null') }} as decimal(18, 4)
    ) as market_cap
from held
group by as_of, account_id
