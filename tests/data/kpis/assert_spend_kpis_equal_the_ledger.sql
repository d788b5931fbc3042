-- What was spent within the periods is the spend of all, and that over an exclusive group with its
-- none is the same less what nobody bears, to the last place and for every grain.
with

ledger as (
    select
        period_days.period_grain,
        sum(spend.reporting_amount) as total
    from {{ ref('fct_spend') }} as spend
    inner join {{ ref('period_days') }} as period_days
        on spend.spent_on = period_days.occurred_on
    group by period_days.period_grain
),

borne_by_nobody as (
    select
        period_days.period_grain,
        sum(pools.amount) as total
    from {{ ref('spend_pools') }} as pools
    inner join {{ ref('period_days') }} as period_days
        on pools.spent_on = period_days.occurred_on
    where pools.customer_count = 0
    group by period_days.period_grain
),

kpis as (
    select
        kpis.period_grain,
        coalesce(kpi_segments.exclusive_group, 'all') as part_of,
        sum(kpis.numerator) as spend
    from {{ ref('segment_kpis') }} as kpis
    inner join {{ ref('kpi_segments') }} as kpi_segments
        on kpis.segment_key = kpi_segments.segment_key
    where
        kpis.kpi = 'marketing_spend'
        and (kpi_segments.segment_key = 'all' or kpi_segments.exclusive_group is not null)
    group by kpis.period_grain, coalesce(kpi_segments.exclusive_group, 'all')
)

select
    kpis.period_grain,
    kpis.part_of,
    kpis.spend,
    ledger.total
from kpis
inner join ledger
    on kpis.period_grain = ledger.period_grain
left join borne_by_nobody
    on kpis.period_grain = borne_by_nobody.period_grain
where
    kpis.spend + case when kpis.part_of = 'all' then 0 else coalesce(borne_by_nobody.total, 0) end
    <> ledger.total
