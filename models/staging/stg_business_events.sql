{{ config(materialized='view') }}

with

business_events as (
    select * from {{ source('raw', 'business_events') }}
),

latest as (
    select *
    from business_events
    {{ keep_latest(['source_system', 'event_id']) }}
)

select
    source_system,
    event_id,
    event_name,
    customer_ref,
    {{ normalise_email('email') }} as email,
    subject,
    properties,
    value as event_value,
    occurred_at,
    starts_at,
    ends_at,
    _loaded_at as loaded_at
from latest
