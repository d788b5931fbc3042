-- A join that doubles contacts would let a campaign win an order in each of its channels.
with

performance as (
    select
        campaign_id,
        sum(revenue) filter (where channel = 'all') as revenue,
        sum(revenue) filter (where channel <> 'all') as channel_revenue,
        max(converted) filter (where channel = 'all') as converted,
        max(contacted) filter (where channel = 'all') as contacted
    from {{ ref('campaign_performance') }}
    where segment_key = 'all'
    group by campaign_id
),

conversions as (
    select
        campaign_id,
        sum(net_revenue) as revenue,
        count(distinct customer_id) as converted
    from {{ ref('campaign_conversions') }}
    group by campaign_id
)

select
    performance.campaign_id,
    performance.revenue,
    conversions.revenue as order_revenue
from performance
left join conversions
    on performance.campaign_id = conversions.campaign_id
where
    performance.revenue <> coalesce(conversions.revenue, 0)
    or coalesce(performance.channel_revenue, 0) <> coalesce(conversions.revenue, 0)
    or performance.converted <> coalesce(conversions.converted, 0)
    or performance.converted > performance.contacted
