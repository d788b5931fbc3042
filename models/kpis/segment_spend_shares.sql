-- A campaign is told to many, on many days: how many of them a segment has when a period starts is
-- counted from the changes, and not looked up share by share.
with

of_segment_pools as (
    select
        bearers.period_grain,
        bearers.period_start,
        stays.segment_key,
        sum(bearers.spend_share) as spend_share
    from {{ ref('customer_spend_periods') }} as bearers
    inner join {{ ref('kpi_stays') }} as stays
        on
            bearers.customer_id = stays.customer_id
            and {{ held_on('stays', 'bearers.member_on') }}
    group by bearers.period_grain, bearers.period_start, stays.segment_key
),

campaign_periods as (
    select
        period_days.period_grain,
        period_days.period_start,
        pools.campaign_id,
        sum(pools.share_per_customer) as share_per_customer
    from {{ ref('spend_pools') }} as pools
    inner join {{ ref('period_days') }} as period_days
        on pools.spent_on = period_days.occurred_on
    where pools.pool_kind = 'campaign'
    group by period_days.period_grain, period_days.period_start, pools.campaign_id
),

contacted as (
    select distinct
        campaign_id,
        customer_id
    from {{ ref('customer_contacts') }}
    where contacted_at is not null and campaign_id is not null
),

contacted_stays as (
    select
        contacted.campaign_id,
        stays.segment_key,
        stays.held_from_on,
        stays.held_to_on,
        count(*) as customer_count
    from contacted
    inner join {{ ref('kpi_stays') }} as stays
        on contacted.customer_id = stays.customer_id
    group by
        contacted.campaign_id, stays.segment_key, stays.held_from_on, stays.held_to_on
),

changes as (
    select
        campaign_id,
        segment_key,
        held_from_on as counts_from_on,
        sum(customer_count) as change_count
    from contacted_stays
    group by campaign_id, segment_key, held_from_on
    union all
    select
        campaign_id,
        segment_key,
        {{ add_days('held_to_on', 1) }} as counts_from_on,
        -sum(customer_count) as change_count
    from contacted_stays
    where held_to_on < date '9999-12-31'
    group by campaign_id, segment_key, held_to_on
),

of_campaign_pools as (
    select
        campaign_periods.period_grain,
        campaign_periods.period_start,
        changes.segment_key,
        sum(
            cast(campaign_periods.share_per_customer as decimal(24, 12))
            * cast(changes.change_count as decimal(13, 0))
        ) as spend_share
    from campaign_periods
    inner join changes
        on
            campaign_periods.campaign_id = changes.campaign_id
            and campaign_periods.period_start >= changes.counts_from_on
    group by
        campaign_periods.period_grain, campaign_periods.period_start, changes.segment_key
),

parts as (
    select * from of_segment_pools
    union all
    select * from of_campaign_pools
)

select
    period_grain,
    period_start,
    segment_key,
    cast(sum(spend_share) as decimal(38, 12)) as spend_share
from parts
group by period_grain, period_start, segment_key
