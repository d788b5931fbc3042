{{ config(materialized='view') }}

with

web_events as (
    select * from {{ source('raw', 'web_events') }}
),

repeats as (
    select * from {{ ref('stg_web_event_repeats') }}
)

select
    web_events.source_system,
    web_events.event_id,
    web_events.event_name,
    web_events.anonymous_id,
    web_events.customer_ref,
    {{ normalise_email('web_events.email') }} as email,
    web_events.session_id,
    web_events.product_id,
    web_events.order_id,
    web_events.cart_id,
    web_events.utm_source,
    web_events.utm_medium,
    web_events.utm_campaign,
    -- A page of the site itself that leads to another says nothing of where the visit came from.
    case
        when {{ host_of('web_events.referrer') }} = {{ host_of('web_events.page_url') }} then null
        else {{ host_of('web_events.referrer') }}
    end as referrer_host,
    web_events.device,
    web_events.value as event_value,
    web_events.occurred_at,
    web_events._loaded_at as loaded_at
from web_events
left join repeats
    on
        web_events.source_system = repeats.source_system
        and web_events.event_id = repeats.event_id
where
    repeats.event_id is null
    or (
        web_events._batch_id = repeats._batch_id
        and web_events._line_number = repeats._line_number
    )
