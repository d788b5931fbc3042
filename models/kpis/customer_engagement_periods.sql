{{ config(materialized='view') }}
{% set inputs = engagement_signals() | map(attribute='input') | unique | list %}
-- The score of the profiles at the end of every long period, of those with any signal: of everyone
-- else it is 0. In millionths, which can be added up.
with

periods as (
    select * from {{ ref('periods') }} where is_long
),

coverage as (
    select
        periods.period_grain,
        periods.period_start,
        periods.closes_on,
        {%- for input in inputs %}
        coalesce(bool_or(kpi_inputs.entity = '{{ input }}'), false) as has_{{ input }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from periods
    left join {{ ref('kpi_inputs') }} as kpi_inputs
        on periods.closes_on >= kpi_inputs.first_on
    group by periods.period_grain, periods.period_start, periods.closes_on
),

weights as (
    select
        {{ engagement_weight_columns() | indent(8) }}
    from {{ ref('engagement_weights') }}
),

signals as (
    select
        coverage.*,
        signals.customer_id,
        {%- for item in engagement_signals() %}
        signals.{{ item.signal }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from {{ ref('customer_engagement_signals') }} as signals
    inner join coverage
        on
            signals.period_grain = coverage.period_grain
            and signals.period_start = coverage.period_start
    -- Who is first known later is in nobody's M yet.
    inner join {{ ref('known_customers') }} as known
        on
            signals.customer_id = known.customer_id
            and (known.first_seen_on is null or coverage.closes_on >= known.first_seen_on)
),

scored as (
    select
        signals.period_grain,
        signals.period_start,
        signals.customer_id,
        {{ engagement_score() }} as engagement_score
    from signals
    cross join weights
)

select
    period_grain,
    period_start,
    period_start as member_on,
    customer_id,
    cast(coalesce(engagement_score, 0) * 1000000 as bigint) as engagement_millionths
from scored
