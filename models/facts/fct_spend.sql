with

spend as (
    select * from {{ ref('stg_marketing_spend') }}
),

spellings as (
    select * from {{ ref('spend_channels') }}
),

rates as (
    select * from {{ ref('daily_rates') }}
),

settings as (
    select * from {{ source('run', 'settings') }}
),

named as (
    select
        spend.*,
        settings.reporting_currency,
        lower(trim(spend.channel)) as spelling
    from spend
    cross join settings
)

select
    named.source_system,
    named.spend_key,
    coalesce(spellings.channel, named.spelling) as channel,
    named.campaign_id,
    named.cost_type,
    named.segment_key,
    named.currency,
    cast(named.amount as decimal(18, 4)) as amount,
    cast({{ in_reporting_currency(
        'named.amount', 'named.currency', 'named.reporting_currency', 'rates.rate_to_reporting'
    ) }} as decimal(18, 4)) as reporting_amount,
    named.spend_date as spent_on,
    named.loaded_at
from named
left join spellings
    on named.spelling = spellings.spelling
left join rates
    on
        named.currency = rates.currency
        and named.spend_date = rates.rate_on
        and named.currency <> named.reporting_currency
