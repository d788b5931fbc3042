{{ config(materialized='view') }}

with

events as (
    select * from {{ ref('stg_business_events') }}
),

links as (
    select * from {{ ref('customer_links') }}
),

settings as (
    select * from {{ source('run', 'settings') }}
)

select
    links.customer_id,
    events.source_system,
    events.event_id,
    events.event_name,
    events.subject,
    events.event_value,
    events.occurred_at,
    {{ business_date('events.occurred_at', 'settings.business_time_zone') }} as occurred_on,
    events.starts_at,
    {{ business_date('events.starts_at', 'settings.business_time_zone') }} as starts_on,
    {{ local_hour('events.starts_at', 'settings.business_time_zone') }} as starts_in_hour,
    events.ends_at,
    events.loaded_at
from events
cross join settings
left join links
    on {{ names_record('events', 'links') | indent(8) }}
