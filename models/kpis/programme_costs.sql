with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

settings as (
    select * from {{ source('run', 'settings') }}
),

programmes as (
    select * from {{ ref('programmes') }}
),

rates as (
    select * from {{ ref('daily_rates') }}
),

spend as (
    select
        spend.segment_key,
        spend.spend_date,
        {{ in_reporting_currency(
            'spend.amount', 'spend.currency', 'settings.reporting_currency', 'rates.rate_to_reporting'
        ) }} as amount
    from {{ ref('stg_marketing_spend') }} as spend
    cross join settings
    inner join spine
        on spend.spend_date <= spine.as_of_on
    left join rates
        on spend.currency = rates.currency and spend.spend_date = rates.rate_on
    where spend.cost_type = 'programme'
),

spent as (
    select
        programmes.programme,
        cast(sum(spend.amount) as decimal(18, 4)) as programme_cost
    from programmes
    inner join spend
        on
            programmes.started_on <= spend.spend_date
            and programmes.after_end >= spend.spend_date
            and (programmes.segment_key = 'all' or programmes.segment_key = spend.segment_key)
    group by programmes.programme
)

select
    programmes.programme,
    coalesce(programmes.cost, spent.programme_cost) as programme_cost,
    case
        when programmes.cost is not null then 'given'
        when spent.programme_cost is not null then 'spend'
        else 'unknown'
    end as cost_basis
from programmes
left join spent
    on programmes.programme = spent.programme
