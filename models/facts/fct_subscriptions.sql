with

subscriptions as (
    select * from {{ ref('stg_subscriptions') }}
),

links as (
    select * from {{ ref('customer_links') }}
),

rates as (
    select * from {{ ref('daily_rates') }}
),

settings as (
    select * from {{ source('run', 'settings') }}
),

dated as (
    select
        subscriptions.*,
        settings.reporting_currency,
        {{ business_date('subscriptions.started_at', 'settings.business_time_zone') }} as started_on
    from subscriptions
    cross join settings
)

select
    dated.source_system,
    dated.subscription_id,
    links.customer_id,
    dated.account_ref,
    dated.plan,
    dated.status,
    dated.currency,
    dated.monthly_amount,
    cast({{ in_reporting_currency(
        'dated.monthly_amount', 'dated.currency', 'dated.reporting_currency', 'rates.rate_to_reporting'
    ) }} as decimal(18, 4)) as reporting_monthly_amount,
    dated.started_at,
    dated.started_on,
    -- Cancelled without a time: it was over before it was of use to anyone.
    case
        when dated.status = 'cancelled' then coalesce(dated.ended_at, dated.started_at)
        else dated.ended_at
    end as ended_at,
    dated.trial_ends_at,
    dated.loaded_at
from dated
left join rates
    on
        dated.currency = rates.currency
        and dated.started_on = rates.rate_on
        and dated.currency <> dated.reporting_currency
left join links
    on {{ names_record('dated', 'links', has_email=false) | indent(8) }}
