-- One wide row per segment and period, from which every KPI is taken.
with

periods as (
    select * from {{ ref('periods') }}
),

customer_periods as (
    select * from {{ ref('customer_periods') }}
),

keys as (
    select * from {{ ref('kpi_segments') }}
),

totals as (
    select
        members.period_grain,
        members.period_start,
        members.segment_key,
        cast(count(*) as bigint) as customer_count,
        {%- for measure in [
            'order_count', 'net_revenue', 'net_revenue_to_date', 'order_count_365d', 'net_revenue_365d'
        ] %}
        cast(coalesce(sum(facts.{{ measure }}), 0) as decimal(38, 4)) as {{ measure }},
        {%- endfor %}
        cast(count(*) filter (where facts.was_active_at_start) as bigint) as active_at_start_count,
        cast(count(*) filter (
            where facts.was_active_at_start and facts.order_count > 0
        ) as bigint) as retained_count,
        cast(count(*) filter (where facts.order_count_365d >= 1) as bigint) as buyer_count_365d,
        cast(count(*) filter (
            where facts.order_count_365d >= 2
        ) as bigint) as repeat_buyer_count_365d,
        cast(count(*) filter (
            where facts.was_active_a_year_ago
        ) as bigint) as active_a_year_ago_count,
        cast(count(*) filter (
            where facts.was_active_a_year_ago and facts.order_count_365d = 0
        ) as bigint) as churned_over_year_count
    from {{ ref('segment_period_members') }} as members
    left join customer_periods as facts
        on
            members.period_grain = facts.period_grain
            and members.period_start = facts.period_start
            and members.customer_id = facts.customer_id
    group by members.period_grain, members.period_start, members.segment_key
),

of_no_customer as (
    select
        period_grain,
        period_start,
        order_count,
        net_revenue
    from customer_periods
    where customer_id is null and (order_count <> 0 or net_revenue <> 0)
)

select
    periods.period_grain,
    periods.period_start,
    periods.closes_on,
    keys.segment_key,
    keys.definition_version,
    keys.is_none,
    coalesce(totals.customer_count, 0) as customer_count,
    coalesce(totals.order_count, 0) as order_count,
    -- Only 'all' has the orders and the revenue of no customer.
    coalesce(totals.order_count, 0) + coalesce(of_no_customer.order_count, 0) as any_order_count,
    coalesce(totals.net_revenue, 0) + coalesce(of_no_customer.net_revenue, 0) as any_net_revenue,
    totals.net_revenue_to_date,
    totals.order_count_365d,
    totals.net_revenue_365d,
    coalesce(totals.active_at_start_count, 0) as active_at_start_count,
    totals.retained_count,
    coalesce(totals.buyer_count_365d, 0) as buyer_count_365d,
    totals.repeat_buyer_count_365d,
    totals.active_a_year_ago_count,
    totals.churned_over_year_count,
    sizes.closing_count,
    sizes.entered_count,
    sizes.exited_count,
    gaps.median_gap_days,
    coalesce(gaps.gap_count, 0) as gap_count,
    totals.customer_count is not null or of_no_customer.period_start is not null as has_anybody
from periods
cross join keys
left join totals
    on
        periods.period_grain = totals.period_grain
        and periods.period_start = totals.period_start
        and keys.segment_key = totals.segment_key
left join of_no_customer
    on
        periods.period_grain = of_no_customer.period_grain
        and periods.period_start = of_no_customer.period_start
        and keys.segment_key = 'all'
left join {{ ref('segment_period_sizes') }} as sizes
    on
        periods.period_grain = sizes.period_grain
        and periods.period_start = sizes.period_start
        and keys.segment_key = sizes.segment_key
left join {{ ref('segment_period_gaps') }} as gaps
    on
        periods.period_grain = gaps.period_grain
        and periods.period_start = gaps.period_start
        and keys.segment_key = gaps.segment_key
