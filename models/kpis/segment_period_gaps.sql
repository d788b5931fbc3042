with

periods as (
    select * from {{ ref('periods') }}
),

members as (
    select * from {{ ref('segment_period_members') }}
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
)

select
    members.period_grain,
    members.period_start,
    members.segment_key,
    {{ exact_median('gaps.gap_days') }} as median_gap_days,
    cast(count(*) as bigint) as gap_count
from members
inner join gaps
    on
        members.period_grain = gaps.period_grain
        and members.period_start = gaps.period_start
        and members.customer_id = gaps.customer_id
group by members.period_grain, members.period_start, members.segment_key
