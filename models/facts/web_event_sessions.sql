{{ config(materialized='view') }}

with

web_events as (
    select * from {{ ref('stg_web_events') }}
),

excluded_devices as (
    select * from {{ ref('excluded_devices') }}
),

counted as (
    select
        web_events.source_system,
        web_events.event_id,
        web_events.event_name,
        web_events.anonymous_id,
        web_events.customer_ref,
        web_events.email,
        web_events.session_id,
        web_events.product_id,
        web_events.cart_id,
        web_events.channel,
        coalesce(nullif(lower(trim(web_events.utm_source)), ''), web_events.referrer_host)
            as touch_source,
        nullif(trim(web_events.utm_campaign), '') as campaign_id,
        web_events.device,
        web_events.occurred_at
    from web_events
    left join excluded_devices
        on lower(trim(web_events.device)) = excluded_devices.device
    where excluded_devices.device is null
),

-- What names no visitor is a session of its own. The key is hashed below: e-mails go no further.
of_visitors as (
    select
        *,
        case
            when anonymous_id is not null then 'device|' || source_system || '|' || anonymous_id
            when customer_ref is not null then 'reference|' || source_system || '|' || customer_ref
            when email is not null then 'email|' || source_system || '|' || email
            else 'event|' || source_system || '|' || event_id
        end as visitor_key
    from counted
    where session_id is null
),

with_previous as (
    select
        *,
        lag(occurred_at) over (
            partition by visitor_key order by occurred_at asc nulls last
        ) as previous_at
    from of_visitors
),

with_starts as (
    select
        *,
        max(
            case
                when
                    previous_at is null
                    or occurred_at > {{ add_minutes('previous_at', session_gap_minutes()) }}
                    then occurred_at
            end
        ) over (
            partition by visitor_key order by occurred_at asc nulls last
        ) as started_at
    from with_previous
)

{% set columns = [
    'source_system', 'event_id', 'event_name', 'anonymous_id', 'customer_ref', 'email', 'product_id',
    'cart_id', 'channel', 'touch_source', 'campaign_id', 'device', 'occurred_at',
] -%}
select
    'session|' || source_system || '|' || session_id as session_key,
    {{ columns | join(',\n    ') }}
from counted
where session_id is not null
union all
select
    {{ dbt.hash("visitor_key || '|' || cast(started_at as string)") }} as session_key,
    {{ columns | join(',\n    ') }}
from with_starts
