-- What those bear who belong to the pool of a segment or campaign; what everyone bears needs no row
-- for each customer.
with

pools as (
    select * from {{ ref('spend_pools') }}
),

period_days as (
    select * from {{ ref('period_days') }}
),

stays as (
    select * from {{ ref('segment_stays') }} where is_listed
),

contacted as (
    select distinct
        campaign_id,
        customer_id
    from {{ ref('customer_contacts') }}
    where contacted_at is not null and campaign_id is not null
),

shares as (
    select
        pools.spent_on,
        pools.share_per_customer,
        stays.customer_id
    from pools
    inner join stays
        on
            pools.segment_key = stays.segment_key
            and {{ held_on('stays', 'pools.spent_on') | indent(12) }}
    where pools.pool_kind = 'segment'
    union all
    select
        pools.spent_on,
        pools.share_per_customer,
        contacted.customer_id
    from pools
    inner join contacted
        on pools.campaign_id = contacted.campaign_id
    where pools.pool_kind = 'campaign'
)

select
    period_days.period_grain,
    period_days.period_start,
    period_days.period_start as member_on,
    shares.customer_id,
    cast(sum(shares.share_per_customer) as decimal(38, 12)) as spend_share
from shares
inner join period_days
    on shares.spent_on = period_days.occurred_on
group by period_days.period_grain, period_days.period_start, shares.customer_id
