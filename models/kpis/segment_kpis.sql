{%- set definitions = segment_kpi_definitions() -%}

with

totals as (
    select * from {{ ref('segment_period_totals') }}
),

source_files as (
    select * from {{ source('run', 'source_files') }}
),

targets as (
    select
        segment_key,
        period_grain,
        kpi,
        cast(target as decimal(18, 6)) as target,
        direction
    from {{ ref('kpi_targets') }}
),

inputs as (
    select
        case
            when coalesce(sum(rejected_rows), 0) = 0 then 'ok' else 'inputs_incomplete'
        end as verdict
    from source_files
    where entity in ('customers', 'orders', 'order_lines', 'refunds')
),

catalogue as (
    select * from {{ ref('kpi_catalogue') }}
),

figures as (
    {%- for definition in definitions %}
    select
        segment_key,
        definition_version,
        period_grain,
        period_start,
        closes_on < period_end as is_open,
        '{{ definition.category }}' as category,
        '{{ definition.kpi }}' as kpi,
        {{ kpi_unit(definition) }} as unit,
        cast(
            case when {{ definition.when }} then {{ definition.numerator }} end
            as decimal(38, 4)
        ) as numerator,
        {% if definition.kind == 'ratio' -%}
        cast(
            case when {{ definition.when }} then {{ definition.denominator }} end
            as decimal(38, 4)
        ) as denominator,
        {%- else -%}
        cast(null as decimal(38, 4)) as denominator,
        {%- endif %}
        '{{ definition.kind }}' as kind,
        cast(coalesce({{ definition.sample }}, 0) as bigint) as sample_size
    from totals
    where
        {{ definition.periods }}
        {%- if definition.scope == 'segments' %}
        and not is_none
        {%- endif %}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

valued as (
    select
        *,
        cast(
            case
                when kind = 'amount' then cast(numerator as decimal(38, 6))
                else {{ exact_ratio('numerator', 'denominator', 6, 38) }}
            end as decimal(18, 6)
        ) as value
    from figures
)

select
    valued.segment_key,
    valued.period_grain,
    valued.period_start,
    valued.category,
    valued.kpi,
    valued.numerator,
    valued.denominator,
    valued.value,
    valued.unit,
    valued.sample_size,
    valued.definition_version,
    inputs.verdict as quality_verdict,
    targets.target,
    case
        when targets.direction = 'at_least' then valued.value >= targets.target
        when targets.direction = 'at_most' then valued.value <= targets.target
    end as target_met,
    case
        when targets.target is null or valued.value is null then null
        when valued.is_open then 'too_early'
        when
            (targets.direction = 'at_least' and valued.value >= targets.target)
            or (targets.direction = 'at_most' and valued.value <= targets.target) then 'met'
        else 'missed'
    end as target_verdict
from valued
cross join inputs
-- A KPI whose input is missing has no row; the catalogue says why.
inner join catalogue
    on valued.kpi = catalogue.kpi and catalogue.is_computed
left join targets
    on
        valued.segment_key = targets.segment_key
        and valued.period_grain = targets.period_grain
        and valued.kpi = targets.kpi
