-- Rounded per segment; 'all' is the ledger's total, and a none what its group does not bear.
with

pools as (
    select * from {{ ref('spend_pools') }}
),

period_days as (
    select * from {{ ref('period_days') }}
),

starts as (
    select * from {{ ref('segment_period_starts') }}
),

shares as (
    select * from {{ ref('segment_spend_shares') }}
),

keys as (
    select * from {{ ref('kpi_segments') }}
),

totals as (
    select
        period_days.period_grain,
        period_days.period_start,
        cast(sum(pools.amount) as decimal(38, 4)) as spend,
        cast(coalesce(
            sum(pools.amount) filter (where pools.customer_count = 0), 0
        ) as decimal(38, 4)) as spend_on_nobody,
        cast(coalesce(
            sum(pools.share_per_customer) filter (where pools.pool_kind = 'everyone'), 0
        ) as decimal(38, 12)) as share_of_everyone
    from pools
    inner join period_days
        on pools.spent_on = period_days.occurred_on
    group by period_days.period_grain, period_days.period_start
),

in_segments as (
    select
        totals.period_grain,
        totals.period_start,
        keys.segment_key,
        keys.exclusive_group,
        {{ round_half_even(
            'totals.share_of_everyone * coalesce(starts.customer_count, 0)'
            ~ ' + coalesce(shares.spend_share, 0)', 4, 38
        ) }} as spend
    from totals
    cross join keys
    left join starts
        on
            totals.period_grain = starts.period_grain
            and totals.period_start = starts.period_start
            and keys.segment_key = starts.segment_key
    left join shares
        on
            totals.period_grain = shares.period_grain
            and totals.period_start = shares.period_start
            and keys.segment_key = shares.segment_key
    where keys.segment_key <> 'all' and not keys.is_none
),

in_none as (
    select
        totals.period_grain,
        totals.period_start,
        keys.segment_key,
        max(totals.spend) - max(totals.spend_on_nobody) - sum(in_segments.spend) as spend
    from totals
    inner join in_segments
        on
            totals.period_grain = in_segments.period_grain
            and totals.period_start = in_segments.period_start
    inner join keys
        on keys.is_none and in_segments.exclusive_group = keys.exclusive_group
    group by totals.period_grain, totals.period_start, keys.segment_key
)

select
    period_grain,
    period_start,
    'all' as segment_key,
    spend
from totals
union all
select
    period_grain,
    period_start,
    segment_key,
    spend
from in_segments
union all
select
    period_grain,
    period_start,
    segment_key,
    cast(spend as decimal(38, 4)) as spend
from in_none
