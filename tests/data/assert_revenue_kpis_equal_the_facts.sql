-- Revenue over all months is that of the facts, and over an exclusive group with its none plus that
-- of no customer it is the same again.
with

facts as (
    select
        coalesce(sum(revenue.net_revenue), 0) as total,
        coalesce(
            sum(revenue.net_revenue) filter (where revenue.customer_id is null), 0
        ) as of_no_customer
    from {{ ref('fct_revenue') }} as revenue
    inner join {{ ref('as_of_spine') }} as spine
        on spine.is_current and revenue.occurred_at <= spine.as_of
    inner join {{ ref('periods') }} as periods
        on revenue.occurred_on between periods.period_start and periods.period_end
),

kpis as (
    select
        kpis.segment_key,
        kpi_segments.exclusive_group,
        sum(kpis.value) as revenue
    from {{ ref('segment_kpis') }} as kpis
    left join {{ ref('kpi_segments') }} as kpi_segments
        on kpis.segment_key = kpi_segments.segment_key
    where kpis.kpi = 'revenue'
    group by kpis.segment_key, kpi_segments.exclusive_group
),

sums as (
    select
        'all' as total_of,
        coalesce(sum(revenue), 0) as revenue
    from kpis
    where segment_key = 'all'
    union all
    select
        kpis.exclusive_group as total_of,
        coalesce(sum(kpis.revenue), 0) + max(facts.of_no_customer) as revenue
    from kpis
    cross join facts
    where kpis.exclusive_group is not null
    group by kpis.exclusive_group
)

select
    sums.total_of,
    sums.revenue,
    facts.total
from sums
cross join facts
where sums.revenue <> facts.total
