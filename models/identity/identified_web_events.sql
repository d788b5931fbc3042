{{ config(materialized='view') }}

-- What bots and the business's own people do tells of no customer.
with

web_events as (
    select * from {{ ref('stg_web_events') }}
),

excluded_devices as (
    select * from {{ ref('excluded_devices') }}
)

select
    web_events.source_system,
    web_events.customer_ref,
    web_events.email,
    web_events.occurred_at
from web_events
left join excluded_devices
    on lower(trim(web_events.device)) = excluded_devices.device
where
    excluded_devices.device is null
    and (web_events.customer_ref is not null or web_events.email is not null)
