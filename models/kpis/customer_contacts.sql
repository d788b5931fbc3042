with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

events as (
    select events.*
    from {{ ref('fct_message_events') }} as events
    inner join spine
        on events.occurred_at <= spine.as_of
    where events.customer_id is not null
)

select
    customer_id,
    message_key,
    min(source_system) as source_system,
    min(campaign_id) as campaign_id,
    min(occurred_at) filter (where event_name in ('sent', 'delivered')) as contacted_at,
    min(occurred_on) filter (where event_name in ('sent', 'delivered')) as contacted_on,
    min(occurred_on) filter (where event_name = 'delivered') as delivered_on,
    bool_or(event_name = 'opened') as is_opened,
    bool_or(event_name = 'clicked') as is_clicked,
    bool_or(event_name in ('clicked', 'replied')) as is_responded,
    bool_or(is_promotional) as is_promotional
from events
group by customer_id, message_key
