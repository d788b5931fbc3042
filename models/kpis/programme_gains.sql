{%- set places = 10 -%}
{%- set measures = ['control_mean', 'arm_mean', 'effect', 'relative_effect', 'low', 'high'] -%}

-- What a programme brought in, three times: by the difference in time, by the margin in it, and by
-- the experiment.
with

programmes as (
    select * from {{ ref('programmes') }}
),

baselines as (
    select * from {{ ref('programme_baselines') }} where metric = 'revenue'
),

afterwards as (
    select * from {{ ref('programme_metrics') }} where phase = 'after' and metric = 'revenue'
),

-- CUPED by rule: which method is taken is not to depend on what came out.
results as (
    select * from {{ ref('experiment_results') }} where metric = 'net_revenue' and method = 'cuped'
),

inputs as (
    select
        case when bool_and(quality_verdict = 'ok') then 'ok' else 'inputs_incomplete' end
            as quality_verdict
    from {{ ref('segment_kpis') }}
    where kpi = 'revenue'
),

naive as (
    select
        programmes.programme,
        programmes.margin_rate,
        afterwards.sample_size,
        {{ worst_verdict('baselines.quality_verdict', 'afterwards.quality_verdict') }}
            as quality_verdict,
        {{ incremental_revenue(
            exact_ratio('afterwards.numerator', 'afterwards.denominator', places, 38),
            exact_ratio('baselines.numerator', 'baselines.denominator', places, 38),
            'afterwards.denominator'
        ) }} as gain
    from programmes
    left join baselines
        on
            programmes.programme = baselines.programme
            and programmes.segment_key = baselines.segment_key
            and programmes.before_start = baselines.before_start
            and programmes.before_end = baselines.before_end
    left join afterwards
        on programmes.programme = afterwards.programme
),

by_experiment as (
    select
        programmes.programme,
        results.arm_size + results.control_size as sample_size,
        coalesce(results.verdict, 'cannot tell') as verdict,
        case
            when programmes.experiment_id is null
                then 'The programme has no randomised holdout.'
            when results.reason is null
                then 'Nobody was assigned to the experiment of the programme.'
            else results.reason
        end as reason,
        {%- for measure in measures %}
        case when results.verdict not in ('invalid', 'running') then results.{{ measure }} end
            as {{ measure }},
        {%- endfor %}
        results.arm_size,
        inputs.quality_verdict
    from programmes
    cross join inputs
    left join results
        on
            programmes.source_system = results.source_system
            and programmes.experiment_id = results.experiment_id
            and lower(trim(programmes.experiment_arm)) = results.arm
)

{% for method in ['naive', 'margin'] -%}
select
    programme,
    '{{ method }}' as method,
    {{ 'gain' if method == 'naive' else margin_of('gain', 'margin_rate') }} as gain,
    cast(null as decimal(18, 4)) as low_gain,
    cast(null as decimal(18, 4)) as high_gain,
    {%- for measure in measures %}
    cast(null as decimal(18, 6)) as {{ measure }},
    {%- endfor %}
    sample_size,
    quality_verdict,
    cast(null as string) as verdict,
    cast(null as string) as reason
from naive
union all
{% endfor -%}
select
    programme,
    'incremental' as method,
    {{ round_half_even('effect * cast(arm_size as decimal(19, 0))') }} as gain,
    {{ round_half_even('low * cast(arm_size as decimal(19, 0))') }} as low_gain,
    {{ round_half_even('high * cast(arm_size as decimal(19, 0))') }} as high_gain,
    control_mean,
    arm_mean,
    effect,
    relative_effect,
    low,
    high,
    sample_size,
    quality_verdict,
    verdict,
    reason
from by_experiment
