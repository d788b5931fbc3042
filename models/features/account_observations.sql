with

accounts as (
    select * from {{ ref('stg_accounts') }}
),

rates as (
    select * from {{ ref('daily_rates') }}
),

spellings as (
    select * from {{ ref('account_spellings') }}
),

industry_types as (
    select * from {{ ref('industry_types') }}
),

settings as (
    select * from {{ source('run', 'settings') }}
),

dated as (
    select
        accounts.*,
        settings.reporting_currency,
        {{ business_date('accounts.observed_at', 'settings.business_time_zone') }} as observed_on,
        {{ snake_case('accounts.organisation_structure') }} as structure_words,
        {{ snake_case('accounts.technology_adoption') }} as adoption_words,
        {{ snake_case('accounts.business_model') }} as model_words,
        nullif(lower(trim(accounts.industry)), '') as industry_words
    from accounts
    cross join settings
)

select
    {{ account_id_of('dated.source_system', 'dated.account_ref') }} as account_id,
    row_number() over (
        partition by dated.source_system, dated.account_ref
        order by dated.observed_at asc nulls first
    ) as observation_number,
    {{ account_id_of('dated.source_system', 'dated.parent_account_ref') }} as parent_account_id,
    dated.country,
    dated.country_code,
    dated.region,
    dated.subdivision_code,
    dated.industry_scheme,
    nullif(trim(dated.industry_code), '') as industry_code,
    coalesce(industry_types.industry_type, dated.industry_words) as industry_type,
    coalesce(dated.industry_sector, industry_types.industry_sector) as industry_sector,
    coalesce(structures.value, case when dated.structure_words is not null then 'other' end)
        as organisation_structure,
    coalesce(adoptions.value, case when dated.adoption_words is not null then 'other' end)
        as technology_adoption,
    coalesce(models.value, case when dated.model_words is not null then 'other' end)
        as business_model,
    nullif(lower(trim(dated.payment_terms)), '') as payment_terms,
    {{ json_list_text('dated.technologies') }} as technologies,
    {{ json_list_count('dated.technologies') }} as technology_count,
    dated.employees,
    dated.founded_year,
    dated.currency,
    dated.annual_revenue,
    {{ in_reporting_currency(
        'dated.annual_revenue', 'dated.currency', 'dated.reporting_currency',
        'rates.rate_to_reporting'
    ) }} as reporting_annual_revenue,
    case when dated.market_cap > 0 then dated.market_cap end as market_cap,
    case
        when dated.market_cap > 0
            then {{ in_reporting_currency(
                'dated.market_cap', 'dated.currency', 'dated.reporting_currency',
                'rates.rate_to_reporting'
            ) | indent(12) }}
    end as reporting_market_cap,
    dated.observed_at
from dated
left join rates
    on
        dated.currency = rates.currency
        and dated.observed_on = rates.rate_on
        and dated.currency <> dated.reporting_currency
left join industry_types on dated.industry_words = industry_types.spelling
left join spellings as structures
    on
        structures.attribute = 'organisation_structure'
        and dated.structure_words = structures.spelling
left join spellings as adoptions
    on adoptions.attribute = 'technology_adoption' and dated.adoption_words = adoptions.spelling
left join spellings as models
    on models.attribute = 'business_model' and dated.model_words = models.spelling
