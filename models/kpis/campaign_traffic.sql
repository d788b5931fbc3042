-- Visits that a campaign brought, of customers and of nobody known.
with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

origins as (
    select * from {{ ref('web_session_origins') }} where campaign_id is not null
),

campaigns as (
    select
        campaign_id,
        bool_or(is_segmented) as is_segmented
    from {{ ref('stg_campaigns') }}
    group by campaign_id
),

sessions as (
    select
        origins.session_key,
        origins.campaign_id,
        min(events.occurred_on) as started_on,
        count(*) filter (where events.event_name in ('page_view', 'product_view'))
            as page_view_count,
        coalesce(sum(events.seconds_since_previous), 0) as seconds_on_site
    from {{ ref('fct_web_events') }} as events
    inner join origins
        on events.session_key = origins.session_key
    inner join spine
        on events.occurred_at <= spine.as_of
    group by origins.session_key, origins.campaign_id
),

totals as (
    select
        sessions.campaign_id,
        campaigns.is_segmented,
        {{ month_start('sessions.started_on') }} as period_start,
        cast(count(*) as bigint) as session_count,
        cast(sum(sessions.page_view_count) as bigint) as page_view_count,
        cast(sum(sessions.seconds_on_site) as bigint) as seconds_on_site
    from sessions
    left join campaigns
        on sessions.campaign_id = campaigns.campaign_id
    group by
        sessions.campaign_id,
        campaigns.is_segmented,
        {{ month_start('sessions.started_on') }}
)

select
    campaign_id,
    is_segmented,
    'month' as period_grain,
    period_start,
    session_count,
    page_view_count,
    seconds_on_site,
    {{ ratio('page_view_count', 'session_count') }} as page_views_per_session,
    {{ ratio('seconds_on_site', 'session_count') }} as seconds_per_session
from totals
