with

events as (
    select * from {{ ref('campaign_contact_events') }}
),

conversions as (
    select
        campaign_id,
        channel,
        customer_id,
        count(*) as order_count,
        sum(net_revenue) as revenue
    from {{ ref('campaign_conversions') }}
    group by campaign_id, channel, customer_id
),

contacts as (
    select
        campaign_id,
        channel,
        customer_id,
        min(occurred_at) as first_contacted_at,
        bool_or(event_name <> 'visited') as is_messaged,
        bool_or(event_name = 'delivered') as is_delivered,
        bool_or(event_name = 'opened') as is_opened,
        bool_or(event_name = 'clicked') as is_clicked,
        bool_or(event_name in ('clicked', 'replied', 'visited')) as has_reacted
    from events
    group by campaign_id, channel, customer_id
)

select
    contacts.campaign_id,
    contacts.channel,
    contacts.customer_id,
    contacts.is_messaged,
    contacts.is_delivered,
    contacts.is_opened,
    contacts.is_clicked,
    contacts.has_reacted or conversions.order_count is not null as has_responded,
    conversions.order_count is not null as has_converted,
    cast(coalesce(conversions.order_count, 0) as int) as order_count,
    cast(coalesce(conversions.revenue, 0) as decimal(18, 4)) as revenue,
    contacts.first_contacted_at
from contacts
left join conversions
    on
        contacts.campaign_id = conversions.campaign_id
        and contacts.channel = conversions.channel
        and contacts.customer_id = conversions.customer_id
