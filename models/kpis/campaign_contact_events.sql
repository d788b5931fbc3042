{{ config(materialized='view') }}

with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

message_events as (
    select * from {{ ref('fct_message_events') }}
),

sessions as (
    select * from {{ ref('fct_web_sessions') }}
)

select
    message_events.campaign_id,
    message_events.channel,
    message_events.customer_id,
    message_events.event_name,
    message_events.occurred_at,
    message_events.occurred_on
from message_events
inner join spine
    on message_events.occurred_at <= spine.as_of
where message_events.campaign_id is not null and message_events.customer_id is not null
union all
select
    sessions.campaign_id,
    sessions.channel,
    sessions.customer_id,
    'visited' as event_name,
    sessions.started_at as occurred_at,
    sessions.started_on as occurred_on
from sessions
inner join spine
    on sessions.started_at <= spine.as_of
where sessions.campaign_id is not null
