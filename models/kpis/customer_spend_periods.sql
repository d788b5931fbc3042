-- What those bear who belong to the pool of a segment; what everyone bears, or whom a campaign
-- contacted, needs no row for each customer.
with

pools as (
    select * from {{ ref('spend_pools') }} where pool_kind = 'segment'
),

period_days as (
    select * from {{ ref('period_days') }}
),

stays as (
    select * from {{ ref('kpi_stays') }}
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
            and {{ held_on('stays', 'pools.spent_on') }}
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
