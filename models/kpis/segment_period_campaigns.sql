with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

settings as (
    select * from {{ source('run', 'settings') }}
),

period_days as (
    select * from {{ ref('period_days') }} where period_grain in ('month', 'quarter')
),

campaigns as (
    select
        campaigns.target_segment,
        campaigns.manual_minutes,
        case
            when campaigns.requested_at <= campaigns.started_at
                then {{ seconds_between('campaigns.requested_at', 'campaigns.started_at') }}
        end as deployment_seconds,
        {{ business_date('campaigns.started_at', 'settings.business_time_zone') }} as started_on
    from {{ ref('stg_campaigns') }} as campaigns
    inner join spine
        on campaigns.started_at <= spine.as_of
    cross join settings
),

of_segments as (
    select
        'all' as segment_key,
        campaigns.*
    from campaigns
    union all
    select
        target_segment as segment_key,
        campaigns.*
    from campaigns
    where target_segment is not null and target_segment <> 'all'
)

select
    period_days.period_grain,
    period_days.period_start,
    of_segments.segment_key,
    {{ exact_median('of_segments.deployment_seconds') }} as median_deployment_seconds,
    cast(count(of_segments.deployment_seconds) as bigint) as deployed_campaign_count,
    cast(coalesce(sum(of_segments.manual_minutes), 0) as decimal(38, 4)) as manual_minutes,
    cast(count(of_segments.manual_minutes) as bigint) as manual_campaign_count
from of_segments
inner join period_days
    on of_segments.started_on = period_days.occurred_on
group by period_days.period_grain, period_days.period_start, of_segments.segment_key
