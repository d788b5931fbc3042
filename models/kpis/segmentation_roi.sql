with

programmes as (
    select * from {{ ref('programmes') }}
),

labels as (
    {%- for reported in programme_metrics_reported() %}
    select
        '{{ reported.metric }}' as metric,
        '{{ reported.name }}' as metric_name,
        '{{ reported.unit }}' as unit
    union all
    {%- endfor %}
    select
        'incremental_revenue' as metric,
        'Incremental revenue' as metric_name,
        'currency' as unit
    union all
    select
        'return_on_segmentation' as metric,
        'Return on the cost of segmentation' as metric_name,
        'rate' as unit
),

lines as (
    select
        programme,
        metric,
        'naive' as method,
        better,
        before_value,
        during_value,
        after_value,
        change_absolute,
        change_relative,
        cast(null as decimal(18, 6)) as low,
        cast(null as decimal(18, 6)) as high,
        cast(null as decimal(18, 4)) as programme_cost,
        before_sample_size,
        sample_size,
        baseline_as_of,
        quality_verdict,
        cast(null as string) as verdict,
        cast(null as string) as reason
    from {{ ref('programme_lines') }}
    union all
    select
        programme,
        metric,
        method,
        'more' as better,
        before_value,
        cast(null as decimal(18, 6)) as during_value,
        after_value,
        change_absolute,
        change_relative,
        low,
        high,
        programme_cost,
        cast(null as bigint) as before_sample_size,
        sample_size,
        cast(null as timestamp) as baseline_as_of,
        quality_verdict,
        verdict,
        reason
    from {{ ref('programme_returns') }}
)

select
    lines.programme,
    programmes.segment_key as scope,
    lines.metric,
    labels.metric_name,
    labels.unit,
    lines.method,
    lines.before_value,
    lines.during_value,
    lines.after_value,
    lines.change_absolute,
    lines.change_relative,
    lines.low,
    lines.high,
    lines.verdict,
    {{ programme_impact() | indent(4) }} as impact,
    case lines.method
        when 'naive' then 'Before and after: what changed, whatever the cause; not an effect'
        when 'margin' then 'Before and after, at the margin rate; not an effect'
        else 'Against a randomised holdout: what the programme caused'
    end as method_says,
    lines.before_sample_size,
    coalesce(lines.sample_size, 0) as sample_size,
    lines.programme_cost,
    programmes.before_start,
    programmes.before_end,
    programmes.started_on as during_start,
    {{ add_days('programmes.after_start', -1) }} as during_end,
    programmes.after_start,
    programmes.after_end,
    lines.baseline_as_of,
    coalesce(lines.quality_verdict, 'ok') as quality_verdict
from lines
inner join programmes
    on lines.programme = programmes.programme
inner join labels
    on lines.metric = labels.metric
