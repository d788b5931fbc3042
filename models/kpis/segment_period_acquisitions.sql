with

acquired as (
    select * from {{ ref('customer_acquisitions') }}
),

period_days as (
    select * from {{ ref('period_days') }}
),

keys as (
    select * from {{ ref('kpi_segments') }}
),

counts as (
    select
        period_days.period_grain,
        period_days.period_start,
        acquired.segment_key,
        cast(count(*) as bigint) as new_customer_count
    from acquired
    inner join period_days
        on acquired.acquired_on = period_days.occurred_on
    group by period_days.period_grain, period_days.period_start, acquired.segment_key
),

in_groups as (
    select
        counts.period_grain,
        counts.period_start,
        keys.exclusive_group,
        sum(counts.new_customer_count) as new_customer_count
    from counts
    inner join keys
        on counts.segment_key = keys.segment_key
    where keys.exclusive_group is not null
    group by counts.period_grain, counts.period_start, keys.exclusive_group
)

select
    counts.period_grain,
    counts.period_start,
    counts.segment_key,
    counts.new_customer_count
from counts
inner join keys
    on counts.segment_key = keys.segment_key
union all
select
    counts.period_grain,
    counts.period_start,
    nones.segment_key,
    cast(
        counts.new_customer_count - coalesce(in_groups.new_customer_count, 0) as bigint
    ) as new_customer_count
from counts
inner join keys as nones
    on counts.segment_key = 'all' and nones.is_none
left join in_groups
    on
        counts.period_grain = in_groups.period_grain
        and counts.period_start = in_groups.period_start
        and nones.exclusive_group = in_groups.exclusive_group
