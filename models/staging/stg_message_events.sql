{{ config(materialized='view') }}

with

message_events as (
    select * from {{ source('raw', 'message_events') }}
),

latest as (
    select *
    from message_events
    {{ keep_latest(['source_system', 'event_id']) }}
)

select
    source_system,
    event_id,
    event_name,
    channel,
    customer_ref,
    {{ normalise_email('email') }} as email,
    campaign_id,
    message_id,
    coalesce(is_machine, false) as is_machine,
    occurred_at,
    _loaded_at as loaded_at
from latest
