with

spine as (
    select * from {{ ref('as_of_spine') }}
),

accounts as (
    select * from {{ ref('accounts') }}
),

known_values as (
    select * from {{ ref('account_known_values') }}
),

size_bands as (
    select * from {{ ref('size_bands') }}
),

revenue_bands as (
    select * from {{ ref('revenue_bands') }}
),

operation_bands as (
    select * from {{ ref('operation_bands') }}
),

startups as (
    select employees as maximum_employees
    from {{ ref('account_thresholds') }}
    where threshold = 'startup_maximum_employees'
),

attributes as (
    select
        spine.as_of,
        spine.as_of_on,
        accounts.account_id,
        accounts.source_system,
        accounts.account_ref,
        nullif(known_values.parent_account_id, accounts.account_id) as parent_account_id,
        known_values.country,
        known_values.country_code,
        known_values.region,
        known_values.subdivision_code,
        known_values.industry_scheme,
        known_values.industry_code,
        known_values.industry_type,
        known_values.industry_sector,
        known_values.organisation_structure,
        known_values.technology_adoption,
        known_values.business_model,
        known_values.payment_terms,
        known_values.technologies,
        known_values.technology_count,
        known_values.employees,
        known_values.founded_year,
        case
            when known_values.founded_year <= year(spine.as_of_on)
                then cast(year(spine.as_of_on) - known_values.founded_year as int)
        end as years_in_operation,
        known_values.annual_revenue,
        known_values.market_cap
    from accounts
    inner join spine
        on accounts.first_seen_at is null or accounts.first_seen_at <= spine.as_of
    left join known_values
        on accounts.account_id = known_values.account_id and spine.as_of = known_values.as_of
)

select
    attributes.*,
    size_bands.size_band,
    attributes.employees <= startups.maximum_employees
    and attributes.industry_sector = 'technology' as is_startup,
    operation_bands.operation_band,
    revenue_bands.revenue_band
from attributes
cross join startups
left join size_bands
    on {{ in_band('attributes.employees', 'size_bands.employees') }}
left join revenue_bands
    on {{ in_band('attributes.annual_revenue', 'revenue_bands.revenue') }}
left join operation_bands
    on {{ in_band('attributes.years_in_operation', 'operation_bands.years') }}
