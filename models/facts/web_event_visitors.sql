{{ config(materialized='view') }}

with

web_events as (
    select * from {{ ref('stg_web_events') }}
),

excluded_devices as (
    select * from {{ ref('excluded_devices') }}
),

records as (
    select * from {{ ref('record_customers') }}
),

devices as (
    select * from {{ ref('web_identities') }}
),

-- What names no visitor is a visit of its own.
events as (
    select
        web_events.*,
        case
            when web_events.session_id is not null then 'session'
            when web_events.anonymous_id is not null then 'device'
            when web_events.customer_ref is not null then 'reference'
            when web_events.email is not null then 'email'
            else 'event'
        end as visitor_kind,
        coalesce(
            web_events.session_id,
            web_events.anonymous_id,
            web_events.customer_ref,
            web_events.email,
            web_events.event_id
        ) as visitor
    from web_events
    left join excluded_devices
        on lower(trim(web_events.device)) = excluded_devices.device
    where excluded_devices.device is null
),

-- Visitors go on as numbers: what follows sorts by them again and again, and e-mails end here.
distinct_visitors as (
    select distinct
        source_system,
        visitor_kind,
        visitor
    from events
),

hashed as (
    select
        *,
        {{ dbt.hash('visitor') }} as visitor_hash
    from distinct_visitors
),

with_buckets as (
    select
        *,
        {{ bucket_of_hash('visitor_hash') }} as bucket
    from hashed
),

visitors as (
    select
        source_system,
        visitor_kind,
        visitor,
        {{ number_in_bucket(
            'source_system asc nulls last, visitor_kind asc nulls last, visitor asc nulls last'
        ) }} as visitor_number
    from with_buckets
)

-- Who names nobody is whom the device says.
select
    visitors.visitor_number,
    coalesce(records.customer_id, devices.customer_id) as customer_id,
    events.source_system,
    events.event_id,
    events.event_name,
    events.product_id,
    events.cart_id,
    events.session_id is not null as has_session_id,
    events.occurred_at
from events
inner join visitors
    on
        events.source_system = visitors.source_system
        and events.visitor_kind = visitors.visitor_kind
        and events.visitor = visitors.visitor
left join records
    on {{ names_record('events', 'records') }}
left join devices
    on
        case
            when events.customer_ref is null and records.record_id is null
                then events.anonymous_id
        end = devices.anonymous_id
        and events.source_system = devices.source_system
        and (devices.valid_from is null or events.occurred_at > devices.valid_from)
        and (devices.valid_to is null or events.occurred_at <= devices.valid_to)
