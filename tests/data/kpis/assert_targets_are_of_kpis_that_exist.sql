-- A target that no row of segment_kpis can meet would be met and missed by nobody. One of a segment
-- that is off waits for it.
with

targets as (
    select * from {{ ref('kpi_targets') }}
),

catalogue as (
    select * from {{ ref('kpi_catalogue') }}
)

select
    targets.segment_key,
    targets.period_grain,
    targets.kpi,
    case
        when catalogue.kpi is null then 'there is no such KPI'
        else 'it is told by ' || catalogue.grains
    end as fault
from targets
left join catalogue
    on targets.kpi = catalogue.kpi
where
    catalogue.kpi is null
    or ', ' || catalogue.grains || ', ' not like '%, ' || targets.period_grain || ', %'
