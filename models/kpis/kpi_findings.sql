-- What the KPIs of a segment say that a review should look at.
with

kpis as (
    select * from {{ ref('segment_kpis') }} where target_verdict = 'missed'
),

closed as (
    select * from {{ ref('periods') }} where closed_ago = 1
),

catalogue as (
    select * from {{ ref('segment_catalogue') }}
),

kpi_catalogue as (
    select * from {{ ref('kpi_catalogue') }}
),

health as (
    select * from {{ ref('segment_health') }}
),

findings as (
    select
        kpis.segment_key,
        'under_target' as finding,
        kpis.kpi,
        kpis.kpi || ' by ' || kpis.period_grain as subject,
        kpis.value as observed,
        kpis.target as expected
    from kpis
    inner join closed
        on kpis.period_grain = closed.period_grain and kpis.period_start = closed.period_start
    union all
    select
        segment_key,
        'goal_worse' as finding,
        goal_kpi as kpi,
        goal_kpi as subject,
        value as observed,
        previous_value as expected
    from {{ ref('goal_trends') }}
    where improvement < -cast({{ var('review_goal_fall') }} as decimal(18, 6))
    union all
    -- What a segment is for, and sales: of all KPIs together some are always far off by chance.
    select
        health.segment_key,
        'unlike_before' as finding,
        health.kpi,
        health.kpi || ' by month' as subject,
        health.value as observed,
        health.mean_value as expected
    from health
    inner join catalogue
        on
            health.segment_key = catalogue.segment_key
            and health.kpi in (catalogue.goal_kpi, 'revenue')
    inner join kpi_catalogue
        on health.kpi = kpi_catalogue.kpi
    where
        health.z_score * case when kpi_catalogue.is_lower_better then -1 else 1 end
        <= -cast({{ var('review_deviations') }} as decimal(18, 2))
)

select
    findings.segment_key,
    findings.finding,
    findings.subject,
    findings.observed,
    findings.expected,
    health.z_score
from findings
left join health
    on findings.segment_key = health.segment_key and findings.kpi = health.kpi
