with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

settings as (
    select * from {{ source('run', 'settings') }}
),

periods as (
    select * from {{ ref('periods') }} where is_long
),

subscriptions as (
    select
        subscriptions.customer_id,
        subscriptions.started_on,
        {{ business_date('subscriptions.ended_at', 'settings.business_time_zone') }} as ended_on,
        subscriptions.reporting_monthly_amount,
        lag(subscriptions.reporting_monthly_amount) over (
            partition by subscriptions.source_system, subscriptions.subscription_id
            order by subscriptions.started_at asc nulls last
        ) as previous_amount
    from {{ ref('fct_subscriptions') }} as subscriptions
    inner join spine
        on subscriptions.started_at <= spine.as_of
    cross join settings
    where subscriptions.customer_id is not null and subscriptions.status = 'active'
),

running as (
    select distinct
        periods.period_grain,
        periods.period_start,
        subscriptions.customer_id
    from subscriptions
    inner join periods
        on
            subscriptions.started_on < periods.period_start
            and (
                subscriptions.ended_on is null
                or subscriptions.ended_on >= periods.period_start
            )
),

upgraded as (
    select distinct
        periods.period_grain,
        periods.period_start,
        subscriptions.customer_id
    from subscriptions
    inner join periods
        on subscriptions.started_on between periods.period_start and periods.closes_on
    where subscriptions.reporting_monthly_amount > subscriptions.previous_amount
)

select
    running.period_grain,
    running.period_start,
    running.period_start as member_on,
    running.customer_id,
    1 as is_subscribed_at_start,
    case when upgraded.customer_id is not null then 1 else 0 end as is_upgraded
from running
left join upgraded
    on
        running.period_grain = upgraded.period_grain
        and running.period_start = upgraded.period_start
        and running.customer_id = upgraded.customer_id
