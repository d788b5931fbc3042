with

events as (
    select * from {{ ref('fct_web_events') }}
),

-- A session has such a row per customer in it, and one of nobody: its first event is among them.
starts as (
    select
        *,
        row_number() over (
            partition by session_key
            order by occurred_at asc nulls last, event_id asc nulls last
        ) as start_number
    from events
    where is_session_start
),

first_events as (
    select
        session_key,
        channel,
        touch_source,
        campaign_id,
        device
    from starts
    where start_number = 1
)

select
    starts.customer_id,
    starts.session_key,
    starts.source_system,
    starts.event_id,
    first_events.channel,
    first_events.touch_source,
    first_events.campaign_id,
    first_events.device,
    cast(row_number() over (
        partition by starts.customer_id
        order by
            starts.occurred_at asc nulls last,
            starts.event_id asc nulls last,
            starts.source_system asc nulls last
    ) as int) as session_number,
    starts.occurred_at as started_at,
    starts.occurred_on as started_on,
    lead(starts.occurred_at) over (
        partition by starts.customer_id
        order by
            starts.occurred_at asc nulls last,
            starts.event_id asc nulls last,
            starts.source_system asc nulls last
    ) as next_started_at
from starts
inner join first_events
    on starts.session_key = first_events.session_key
where starts.customer_id is not null
