-- The goal of each segment in the last quarter that has closed, beside the quarter before.
with

quarters as (
    select
        period_start,
        closed_ago
    from {{ ref('periods') }}
    where period_grain = 'quarter' and closed_ago <= 2
),

catalogue as (
    select * from {{ ref('segment_catalogue') }}
),

kpi_catalogue as (
    select * from {{ ref('kpi_catalogue') }}
),

goals as (
    select
        catalogue.segment_key,
        catalogue.goal_kpi,
        kpi_catalogue.is_lower_better,
        max(kpis.period_start) as period_start,
        max(kpis.value) filter (where quarters.closed_ago = 1) as value,
        max(kpis.value) filter (where quarters.closed_ago = 2) as previous_value
    from catalogue
    inner join kpi_catalogue
        on catalogue.goal_kpi = kpi_catalogue.kpi
    inner join {{ ref('segment_kpis') }} as kpis
        on
            catalogue.segment_key = kpis.segment_key
            and catalogue.goal_kpi = kpis.kpi
            and kpis.period_grain = 'quarter'
    inner join quarters
        on kpis.period_start = quarters.period_start
    group by catalogue.segment_key, catalogue.goal_kpi, kpi_catalogue.is_lower_better
)

select
    segment_key,
    goal_kpi,
    period_start,
    value,
    previous_value,
    {{ ratio(
        '(value - previous_value) * case when is_lower_better then -1 else 1 end',
        'abs(previous_value)'
    ) }} as improvement
from goals
