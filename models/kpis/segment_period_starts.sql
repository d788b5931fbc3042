-- How many were in when each period started.
with

periods as (
    select * from {{ ref('periods') }}
),

changes as (
    select * from {{ ref('segment_stay_changes') }}
),

arrivals as (
    {{ arrivals_of('customer') | indent(4) }}
),

in_segments as (
    select
        periods.period_grain,
        periods.period_start,
        changes.segment_key,
        changes.exclusive_group,
        cast(sum(changes.change_count) as bigint) as customer_count
    from periods
    inner join changes
        on periods.period_start > changes.changed_on
    group by
        periods.period_grain, periods.period_start, changes.segment_key, changes.exclusive_group
),

in_all as (
    select
        periods.period_grain,
        periods.period_start,
        cast(coalesce(sum(arrivals.member_count), 0) as bigint) as customer_count
    from periods
    left join arrivals
        on arrivals.first_seen_on is null or periods.closes_on >= arrivals.first_seen_on
    group by periods.period_grain, periods.period_start
),

nones as (
    select
        segment_key,
        exclusive_group
    from {{ ref('kpi_segments') }}
    where is_none
)

select
    period_grain,
    period_start,
    'all' as segment_key,
    customer_count
from in_all
union all
select
    period_grain,
    period_start,
    segment_key,
    customer_count
from in_segments
where customer_count > 0
union all
select
    in_all.period_grain,
    in_all.period_start,
    nones.segment_key,
    cast(
        max(in_all.customer_count) - coalesce(sum(in_segments.customer_count), 0) as bigint
    ) as customer_count
from in_all
cross join nones
left join in_segments
    on
        in_all.period_grain = in_segments.period_grain
        and in_all.period_start = in_segments.period_start
        and nones.exclusive_group = in_segments.exclusive_group
group by in_all.period_grain, in_all.period_start, nones.segment_key
