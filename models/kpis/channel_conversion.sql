with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

message_events as (
    select * from {{ ref('fct_message_events') }} where customer_id is not null
),

sessions as (
    select * from {{ ref('fct_web_sessions') }}
),

paths as (
    select * from {{ ref('attribution_paths') }} where touched_on is not null
),

contacts as (
    select
        {{ month_start('message_events.occurred_on') }} as period_start,
        message_events.channel,
        message_events.customer_id,
        false as has_converted
    from message_events
    inner join spine
        on message_events.occurred_at <= spine.as_of
    union all
    select
        {{ month_start('sessions.started_on') }} as period_start,
        sessions.channel,
        sessions.customer_id,
        false as has_converted
    from sessions
    inner join spine
        on sessions.started_at <= spine.as_of
    union all
    select
        {{ month_start('touched_on') }} as period_start,
        channel,
        customer_id,
        true as has_converted
    from paths
),

people as (
    select
        period_start,
        channel,
        customer_id,
        bool_or(has_converted) as has_converted
    from contacts
    group by period_start, channel, customer_id
),

-- Whoever was reached by several channels is one person in the row of all.
in_channels as (
    select * from people
    union all
    select
        period_start,
        'all' as channel,
        customer_id,
        bool_or(has_converted) as has_converted
    from people
    group by period_start, customer_id
),

totals as (
    select
        period_start,
        channel,
        cast(count(*) as bigint) as contacted,
        cast(count(*) filter (where has_converted) as bigint) as converted
    from in_channels
    group by period_start, channel
)

select
    'month' as period_grain,
    period_start,
    channel,
    contacted,
    converted,
    {{ ratio('converted', 'contacted') }} as conversion_rate
from totals
