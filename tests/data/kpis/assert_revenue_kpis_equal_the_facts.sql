-- Revenue over all periods of a grain is that of the facts, and over an exclusive group with its
-- none plus that of no customer it is the same again.
with

facts as (
    select
        period_days.period_grain,
        coalesce(sum(revenue.net_revenue), 0) as total,
        coalesce(
            sum(revenue.net_revenue) filter (where revenue.customer_id is null), 0
        ) as of_no_customer
    from {{ ref('fct_revenue') }} as revenue
    inner join {{ ref('as_of_spine') }} as spine
        on spine.is_current and revenue.occurred_at <= spine.as_of
    inner join {{ ref('period_days') }} as period_days
        on revenue.occurred_on = period_days.occurred_on
    group by period_days.period_grain
),

kpis as (
    select
        kpis.period_grain,
        coalesce(kpi_segments.exclusive_group, 'all') as part_of,
        coalesce(sum(kpis.value), 0) as revenue
    from {{ ref('segment_kpis') }} as kpis
    inner join {{ ref('kpi_segments') }} as kpi_segments
        on kpis.segment_key = kpi_segments.segment_key
    where
        kpis.kpi = 'revenue'
        and (kpi_segments.segment_key = 'all' or kpi_segments.exclusive_group is not null)
    group by kpis.period_grain, coalesce(kpi_segments.exclusive_group, 'all')
)

select
    kpis.period_grain,
    kpis.part_of,
    kpis.revenue,
    facts.total
from kpis
inner join facts
    on kpis.period_grain = facts.period_grain
where
    kpis.revenue + case when kpis.part_of = 'all' then 0 else facts.of_no_customer end
    <> facts.total
