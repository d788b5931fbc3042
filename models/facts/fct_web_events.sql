with

events as (
    select * from {{ ref('web_event_sessions') }}
),

links as (
    select * from {{ ref('customer_links') }}
),

devices as (
    select * from {{ ref('web_identities') }}
),

settings as (
    select * from {{ source('run', 'settings') }}
),

-- Who names nobody is whom the device says.
with_customers as (
    select
        events.*,
        coalesce(links.customer_id, devices.customer_id) as customer_id
    from events
    left join links
        on {{ names_record('events', 'links') | indent(8) }}
    left join devices
        on
            case
                when events.customer_ref is null and links.customer_id is null
                    then events.anonymous_id
            end = devices.anonymous_id
            and events.source_system = devices.source_system
            and (devices.valid_from is null or events.occurred_at > devices.valid_from)
            and (devices.valid_to is null or events.occurred_at <= devices.valid_to)
),

with_previous as (
    select
        *,
        lag(occurred_at) over (
            partition by session_key, customer_id
            order by occurred_at asc nulls last, event_id asc nulls last
        ) as previous_at
    from with_customers
)

select
    with_previous.customer_id,
    with_previous.session_key,
    with_previous.source_system,
    with_previous.event_id,
    with_previous.event_name,
    with_previous.product_id,
    with_previous.cart_id,
    with_previous.channel,
    with_previous.touch_source,
    with_previous.campaign_id,
    with_previous.device,
    with_previous.previous_at is null as is_session_start,
    cast({{ seconds_between('with_previous.previous_at', 'with_previous.occurred_at') }} as int)
        as seconds_since_previous,
    with_previous.occurred_at,
    {{ business_date('with_previous.occurred_at', 'settings.business_time_zone') }} as occurred_on
from with_previous
cross join settings
