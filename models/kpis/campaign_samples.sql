-- Who came by a link without a message has responded by being there: no rate is of them.
with

campaigns as (
    select
        campaign_id,
        bool_or(is_segmented) as is_segmented
    from {{ ref('stg_campaigns') }}
    where is_segmented is not null
    group by campaign_id
),

people as (
    select
        campaign_id,
        customer_id,
        bool_or(has_responded) as has_responded,
        bool_or(has_converted) as has_converted
    from {{ ref('campaign_contacts') }}
    group by campaign_id, customer_id
    having bool_or(is_messaged)
)

select
    campaigns.campaign_id,
    campaigns.is_segmented,
    cast(count(*) as bigint) as contacted,
    cast(count(*) filter (where people.has_responded) as bigint) as responded,
    cast(count(*) filter (where people.has_converted) as bigint) as converted
from campaigns
inner join people
    on campaigns.campaign_id = people.campaign_id
group by campaigns.campaign_id, campaigns.is_segmented
