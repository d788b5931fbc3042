{{ config(materialized='view') }}

with

sessions as (
    select * from {{ ref('fct_web_sessions') }}
),

messages as (
    select * from {{ ref('fct_messages') }}
)

select
    'session' as touch_kind,
    source_system || '|' || event_id as touch_id,
    customer_id,
    channel,
    campaign_id,
    started_at as occurred_at,
    started_on as occurred_on
from sessions
union all
select
    'message' as touch_kind,
    message_key as touch_id,
    customer_id,
    channel,
    campaign_id,
    first_clicked_at as occurred_at,
    first_clicked_on as occurred_on
from messages
where first_clicked_at is not null
