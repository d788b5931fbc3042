-- Medians cannot be added up, so who is in none is looked up gap by gap.
with

periods as (
    select * from {{ ref('periods') }} where is_long
),

stays as (
    select * from {{ ref('segment_stays') }} where is_listed
),

nones as (
    select
        segment_key,
        exclusive_group
    from {{ ref('kpi_segments') }}
    where is_none
),

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

order_days as (
    select order_days.*
    from {{ ref('fct_customer_order_days') }} as order_days
    inner join spine
        on order_days.first_ordered_at <= spine.as_of
    where order_days.gap_days is not null
),

gaps as (
    select
        periods.period_grain,
        periods.period_start,
        order_days.customer_id,
        order_days.gap_days
    from periods
    inner join order_days
        on order_days.ordered_on between periods.period_start and periods.closes_on
),

in_segments as (
    select
        gaps.*,
        stays.segment_key,
        stays.exclusive_group
    from gaps
    inner join stays
        on
            gaps.customer_id = stays.customer_id
            and {{ held_on('stays', 'gaps.period_start') | indent(12) }}
),

in_groups as (
    select distinct
        period_grain,
        period_start,
        customer_id,
        exclusive_group
    from in_segments
    where exclusive_group is not null
),

of_members as (
    select
        period_grain,
        period_start,
        'all' as segment_key,
        gap_days
    from gaps
    union all
    select
        period_grain,
        period_start,
        segment_key,
        gap_days
    from in_segments
    union all
    select
        gaps.period_grain,
        gaps.period_start,
        nones.segment_key,
        gaps.gap_days
    from gaps
    cross join nones
    left join in_groups
        on
            gaps.period_grain = in_groups.period_grain
            and gaps.period_start = in_groups.period_start
            and gaps.customer_id = in_groups.customer_id
            and nones.exclusive_group = in_groups.exclusive_group
    where in_groups.customer_id is null
)

select
    period_grain,
    period_start,
    segment_key,
    {{ exact_median('gap_days') }} as median_gap_days,
    cast(count(*) as bigint) as gap_count
from of_members
group by period_grain, period_start, segment_key
