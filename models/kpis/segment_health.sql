-- Each KPI of a segment in the last month that has closed, beside its own closed months before.
-- Season and trend are not taken out: what is unlike itself is to be looked at, not yet a fault.
with

closed_months as (
    select
        period_start,
        closed_ago = 1 as is_newest
    from {{ ref('periods') }}
    where period_grain = 'month' and closed_ago >= 1
),

figures as (
    select
        kpis.segment_key,
        kpis.kpi,
        kpis.period_start,
        kpis.value,
        closed_months.is_newest
    from {{ ref('segment_kpis') }} as kpis
    inner join closed_months
        on kpis.period_start = closed_months.period_start
    where kpis.period_grain = 'month' and kpis.value is not null
),

before as (
    select
        segment_key,
        kpi,
        cast(count(*) as bigint) as month_count,
        min(value) < max(value) as is_varied,
        {{ rounded_double(double_ratio('sum(value)', 'count(*)')) }} as mean_value
    from figures
    where not is_newest
    group by segment_key, kpi
),

-- The factors of a square are of unlike width because DuckDB keeps the product of two decimals of
-- 18 digits to 18.
squares as (
    select
        figures.segment_key,
        figures.kpi,
        cast(sum(
            cast(figures.value - before.mean_value as decimal(18, 6))
            * cast(figures.value - before.mean_value as decimal(19, 6))
        ) as decimal(38, 12)) as sum_of_squares
    from figures
    inner join before
        on figures.segment_key = before.segment_key and figures.kpi = before.kpi
    where not figures.is_newest
    group by figures.segment_key, figures.kpi
),

spread as (
    select
        before.segment_key,
        before.kpi,
        before.month_count,
        before.mean_value,
        case
            when before.month_count >= {{ var('health_months') }} and before.is_varied
                then {{ square_root(
                    double_ratio('squares.sum_of_squares', 'before.month_count - 1')
                ) }}
        end as deviation
    from before
    inner join squares
        on before.segment_key = squares.segment_key and before.kpi = squares.kpi
)

select
    figures.segment_key,
    figures.kpi,
    figures.period_start,
    figures.value,
    coalesce(spread.month_count, 0) as month_count,
    spread.mean_value,
    {{ rounded_double('spread.deviation') }} as standard_deviation,
    {{ rounded_double(double_ratio('figures.value - spread.mean_value', 'spread.deviation'), 2) }}
        as z_score
from figures
left join spread
    on figures.segment_key = spread.segment_key and figures.kpi = spread.kpi
where figures.is_newest
