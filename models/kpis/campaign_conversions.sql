{%- set window_days = attribution_days('attribution_window_days') -%}

with

paths as (
    select * from {{ ref('attribution_paths') }}
),

contacts as (
    select * from {{ ref('campaign_contact_events') }}
),

orders as (
    select * from {{ ref('stg_orders') }} where coupon_code is not null
),

offers as (
    select distinct
        campaign_id,
        upper(trim(offer_code)) as offer_code
    from {{ ref('stg_campaigns') }}
    where nullif(trim(offer_code), '') is not null
),

with_offers as (
    select
        paths.source_system,
        paths.order_id,
        paths.customer_id,
        offers.campaign_id,
        paths.net_revenue,
        paths.ordered_at,
        paths.ordered_on
    from paths
    inner join orders
        on paths.source_system = orders.source_system and paths.order_id = orders.order_id
    inner join offers
        on upper(trim(orders.coupon_code)) = offers.offer_code
    where paths.touch_number = 1
),

-- Of campaigns that share an offer, the one that spoke to the customer last.
by_offer as (
    select
        with_offers.source_system,
        with_offers.order_id,
        with_offers.customer_id,
        with_offers.campaign_id,
        contacts.channel,
        with_offers.net_revenue,
        with_offers.ordered_at,
        with_offers.ordered_on
    from with_offers
    inner join contacts
        on
            with_offers.customer_id = contacts.customer_id
            and with_offers.campaign_id = contacts.campaign_id
            and with_offers.ordered_at >= contacts.occurred_at
            and {{ in_last_days('contacts.occurred_on', 'with_offers.ordered_on', window_days) }}
    qualify
        row_number() over (
            partition by with_offers.source_system, with_offers.order_id
            order by
                contacts.occurred_at desc nulls last,
                contacts.campaign_id asc nulls last,
                contacts.channel asc nulls last
        ) = 1
)

select
    source_system,
    order_id,
    customer_id,
    campaign_id,
    channel,
    'offer' as won_by,
    net_revenue,
    ordered_at,
    ordered_on
from by_offer
union all
select
    paths.source_system,
    paths.order_id,
    paths.customer_id,
    paths.campaign_id,
    paths.channel,
    'touch' as won_by,
    paths.net_revenue,
    paths.ordered_at,
    paths.ordered_on
from paths
left join by_offer
    on paths.source_system = by_offer.source_system and paths.order_id = by_offer.order_id
where
    by_offer.order_id is null
    and paths.is_last_not_direct
    and paths.campaign_id is not null
