-- What each segment is for, over every calendar year that has closed. A year is told by its
-- quarters, each beside the same quarter a year before: most KPIs are no sums, and every business
-- has its season.
with

catalogue as (
    select * from {{ ref('segment_catalogue') }}
),

kpi_catalogue as (
    select * from {{ ref('kpi_catalogue') }}
),

kpis as (
    select
        *,
        cast(extract(year from period_start) as int) as calendar_year,
        cast(extract(month from period_start) as int) as first_month
    from {{ ref('segment_kpis') }}
),

closed_years as (
    {{ closed_years() | indent(4) }}
),

goals as (
    select
        closed_years.calendar_year,
        catalogue.segment_key,
        catalogue.goal_kpi,
        kpi_catalogue.company_kpi,
        kpi_catalogue.is_lower_better
    from catalogue
    cross join closed_years
    left join kpi_catalogue
        on catalogue.goal_kpi = kpi_catalogue.kpi
),

quarters as (
    select
        segment_key,
        kpi,
        calendar_year,
        first_month,
        value
    from kpis
    where period_grain = 'quarter' and value is not null
),

measured as (
    select
        goals.calendar_year,
        goals.segment_key,
        count(quarters.value) as quarter_count,
        count(earlier.value) as compared_count,
        count(case
            when
                (quarters.value > earlier.value and not goals.is_lower_better)
                or (quarters.value < earlier.value and goals.is_lower_better)
                then 1
        end) as improved_count
    from goals
    left join quarters
        on
            goals.segment_key = quarters.segment_key
            and goals.goal_kpi = quarters.kpi
            and goals.calendar_year = quarters.calendar_year
    left join quarters as earlier
        on
            quarters.segment_key = earlier.segment_key
            and quarters.kpi = earlier.kpi
            and quarters.first_month = earlier.first_month
            and quarters.calendar_year = earlier.calendar_year + 1
    group by goals.calendar_year, goals.segment_key
),

-- Of the goal alone, by whatever grain its target is set for.
verdicts as (
    select
        goals.calendar_year,
        goals.segment_key,
        count(case when kpis.target_verdict = 'met' then 1 end) as met_count,
        count(case when kpis.target_verdict = 'missed' then 1 end) as missed_count
    from goals
    left join kpis
        on
            goals.segment_key = kpis.segment_key
            and goals.goal_kpi = kpis.kpi
            and goals.calendar_year = kpis.calendar_year
    group by goals.calendar_year, goals.segment_key
)

select
    goals.calendar_year,
    goals.segment_key,
    goals.goal_kpi,
    goals.company_kpi,
    cast(measured.quarter_count as int) as quarter_count,
    cast(measured.compared_count as int) as compared_count,
    cast(measured.improved_count as int) as improved_count,
    cast(verdicts.met_count as int) as met_count,
    cast(verdicts.missed_count as int) as missed_count,
    case
        when measured.quarter_count = 0 then 'not_measured'
        when verdicts.met_count + verdicts.missed_count = 0 then 'no_target'
        when verdicts.met_count > verdicts.missed_count then 'on_target'
        else 'off_target'
    end as alignment
from goals
inner join measured
    on goals.calendar_year = measured.calendar_year and goals.segment_key = measured.segment_key
inner join verdicts
    on goals.calendar_year = verdicts.calendar_year and goals.segment_key = verdicts.segment_key
