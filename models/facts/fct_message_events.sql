with

message_events as (
    select * from {{ ref('stg_message_events') }}
),

campaigns as (
    select * from {{ ref('stg_campaigns') }}
),

links as (
    select * from {{ ref('customer_links') }}
),

settings as (
    select * from {{ source('run', 'settings') }}
),

-- An event without a message_id is a message of its own.
of_people as (
    select
        links.customer_id,
        message_events.source_system,
        message_events.event_id,
        case
            when message_events.message_id is not null
                then 'message|' || message_events.source_system || '|' || message_events.message_id
            else 'event|' || message_events.source_system || '|' || message_events.event_id
        end as message_key,
        message_events.event_name,
        message_events.channel,
        message_events.campaign_id,
        message_events.occurred_at,
        {{ business_date('message_events.occurred_at', 'settings.business_time_zone') }}
            as occurred_on
    from message_events
    cross join settings
    left join links
        on {{ names_record('message_events', 'links') | indent(8) }}
    where not (message_events.is_machine and message_events.event_name in ('opened', 'clicked'))
),

of_messages as (
    select
        customer_id,
        source_system,
        event_id,
        message_key,
        event_name,
        occurred_at,
        occurred_on,
        min(channel) over (partition by customer_id, message_key) as channel,
        min(campaign_id) over (partition by customer_id, message_key) as campaign_id,
        lag(occurred_on) over (
            partition by customer_id, message_key, event_name
            order by occurred_at asc nulls last, event_id asc nulls last
        ) as previous_occurred_on
    from of_people
)

select
    of_messages.customer_id,
    of_messages.source_system,
    of_messages.event_id,
    of_messages.message_key,
    of_messages.event_name,
    of_messages.channel,
    of_messages.campaign_id,
    coalesce(campaigns.is_promotional, false) as is_promotional,
    of_messages.previous_occurred_on,
    of_messages.occurred_at,
    of_messages.occurred_on
from of_messages
left join campaigns
    on
        of_messages.source_system = campaigns.source_system
        and of_messages.campaign_id = campaigns.campaign_id
