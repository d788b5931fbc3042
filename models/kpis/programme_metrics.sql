with

phases as (
    select * from {{ ref('programme_phases') }}
),

figures as (
    select
        segment_key,
        period_start,
        kpi as metric,
        numerator,
        denominator,
        sample_size,
        quality_verdict
    from {{ ref('segment_kpis') }}
    where period_grain = 'month'
    union all
    select
        segment_key,
        period_start,
        'weekday_dinner_visits' as metric,
        visit_count as numerator,
        cast(null as decimal(38, 4)) as denominator,
        visit_count as sample_size,
        'ok' as quality_verdict
    from {{ ref('weekday_dinner_visits') }}
),

kinds as (
    {%- for reported in programme_metrics_reported() %}
    select
        '{{ reported.metric }}' as metric,
        '{{ reported.kind }}' as kind
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- Whole months that have closed: a month that is still open looks like a bad one.
months as (
    select
        phases.programme,
        phases.segment_key,
        phases.phase,
        phases.starts_on,
        phases.ends_on,
        phases.first_open_on > phases.ends_on as is_over,
        kinds.kind,
        figures.metric,
        figures.period_start,
        figures.numerator,
        case kinds.kind
            when 'per_member' then figures.sample_size
            when 'per_month' then 1
            else figures.denominator
        end as denominator,
        figures.sample_size,
        figures.quality_verdict,
        max(figures.period_start) over (
            partition by phases.programme, phases.phase, figures.metric
        ) as last_period_start
    from phases
    inner join figures
        on
            phases.segment_key = figures.segment_key
            and phases.starts_on <= figures.period_start
            and phases.ends_on >= {{ month_end('figures.period_start') }}
            and phases.first_open_on > {{ month_end('figures.period_start') }}
    inner join kinds
        on figures.metric = kinds.metric
)

select
    programme,
    segment_key,
    phase,
    starts_on,
    ends_on,
    is_over,
    metric,
    cast(count(*) as int) as month_count,
    cast(sum(numerator) as decimal(38, 4)) as numerator,
    cast(case when sum(numerator) is not null then sum(denominator) end as decimal(38, 4))
        as denominator,
    cast(sum(sample_size) as bigint) as sample_size,
    case when bool_and(quality_verdict = 'ok') then 'ok' else 'inputs_incomplete' end
        as quality_verdict
from months
where kind <> 'last' or period_start = last_period_start
group by programme, segment_key, phase, starts_on, ends_on, is_over, metric
