-- What changed from before to after, whatever the cause: the naive lines of the report.

with

baselines as (
    select * from {{ ref('programme_baselines') }}
),

metrics as (
    select * from {{ ref('programme_metrics') }}
),

reported as (
    {%- for reported in programme_metrics_reported() %}
    select
        '{{ reported.metric }}' as metric,
        '{{ reported.better }}' as better
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

programmes as (
    select * from {{ ref('programmes') }}
),

measured as (
    select
        programmes.programme,
        reported.metric,
        reported.better,
        {%- for phase in ['baselines', 'during', 'afterwards'] %}
        {{ ratio(phase ~ '.numerator', phase ~ '.denominator') }} as {{ phase }}_value,
        {%- endfor %}
        baselines.sample_size as before_sample_size,
        afterwards.sample_size,
        baselines.as_of as baseline_as_of,
        {{ worst_verdict('baselines.quality_verdict', 'afterwards.quality_verdict') }}
            as quality_verdict
    from programmes
    cross join reported
    left join baselines
        on
            programmes.programme = baselines.programme
            and programmes.segment_key = baselines.segment_key
            and programmes.before_start = baselines.before_start
            and programmes.before_end = baselines.before_end
            and reported.metric = baselines.metric
    {%- for phase, alias in [('during', 'during'), ('after', 'afterwards')] %}
    left join metrics as {{ alias }}
        on
            programmes.programme = {{ alias }}.programme
            and {{ alias }}.phase = '{{ phase }}'
            and reported.metric = {{ alias }}.metric
    {%- endfor %}
)

select
    programme,
    metric,
    better,
    baselines_value as before_value,
    during_value,
    afterwards_value as after_value,
    cast(afterwards_value - baselines_value as decimal(18, 6)) as change_absolute,
    {{ relative_change('afterwards_value', 'baselines_value') }} as change_relative,
    before_sample_size,
    sample_size,
    baseline_as_of,
    quality_verdict
from measured
where baselines_value is not null or during_value is not null or afterwards_value is not null
