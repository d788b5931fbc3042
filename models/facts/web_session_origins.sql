with

events as (
    select * from {{ ref('fct_web_events') }}
),

web_events as (
    select * from {{ ref('stg_web_events') }}
),

rules as (
    select * from {{ ref('channel_rules') }}
),

-- A start per customer in the session, and one of nobody: the first event is among them.
first_events as (
    select
        session_key,
        source_system,
        event_id
    from events
    where is_session_start
    qualify
        row_number() over (
            partition by session_key
            order by occurred_at asc nulls last, event_id asc nulls last
        ) = 1
),

origins as (
    select
        first_events.session_key,
        nullif(lower(trim(web_events.utm_medium)), '') as tagged_medium,
        nullif(lower(trim(web_events.utm_source)), '') as tagged_source,
        nullif(trim(web_events.utm_campaign), '') as campaign_id,
        web_events.referrer_host,
        web_events.device
    from first_events
    inner join web_events
        on
            first_events.source_system = web_events.source_system
            and first_events.event_id = web_events.event_id
),

-- Each way to come is looked up once, however many sessions came by it.
ways as (
    select distinct
        coalesce(tagged_medium, '') as tagged_medium,
        coalesce(tagged_source, '') as tagged_source,
        coalesce(referrer_host, '') as referrer_host
    from origins
),

first_rules as (
    select
        ways.tagged_medium,
        ways.tagged_source,
        ways.referrer_host,
        min(rules.priority) as priority
    from ways
    inner join rules
        on
            {{ fits_pattern('ways.tagged_medium', 'rules.utm_medium') }}
            and {{ fits_pattern('ways.tagged_source', 'rules.utm_source') }}
            and {{ fits_pattern('ways.referrer_host', 'rules.referrer_host') }}
    group by ways.tagged_medium, ways.tagged_source, ways.referrer_host
),

channels as (
    select
        first_rules.tagged_medium,
        first_rules.tagged_source,
        first_rules.referrer_host,
        rules.channel
    from first_rules
    inner join rules on first_rules.priority = rules.priority
)

select
    origins.session_key,
    coalesce(channels.channel, 'unknown') as channel,
    coalesce(origins.tagged_source, origins.referrer_host) as touch_source,
    origins.campaign_id,
    origins.device
from origins
left join channels
    on
        coalesce(origins.tagged_medium, '') = channels.tagged_medium
        and coalesce(origins.tagged_source, '') = channels.tagged_source
        and coalesce(origins.referrer_host, '') = channels.referrer_host
