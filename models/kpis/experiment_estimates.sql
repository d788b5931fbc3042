{%- set sides = ['arm', 'control'] -%}

-- The difference of two means by two methods, each with a 95 % interval.
with

pairs as (
    select * from {{ ref('experiment_pairs') }}
),

estimates as (
    {%- for method in ['difference', 'cuped'] %}
    select
        *,
        {%- for side in sides %}
        {%- if method == 'difference' %}
        {{ side }}_mean_y as {{ side }}_mean,
        {{ double_ratio(side ~ '_variance_y', side ~ '_n') }} as {{ side }}_variance_of_mean,
        {%- else %}
        {{ side }}_mean_y - theta * ({{ side }}_mean_x - mean_x) as {{ side }}_mean,
        {{ double_ratio(
            side ~ '_variance_y - 2 * theta * ' ~ side ~ '_covariance + theta * theta * '
            ~ side ~ '_variance_x', side ~ '_n') }} as {{ side }}_variance_of_mean,
        {%- endif %}
        {%- endfor %}
        '{{ method }}' as method
    from pairs
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- Where nobody differs from anybody there is no interval.
spread as (
    select
        *,
        case
            when
                (arm_varies or control_varies)
                and least(arm_n, control_n) >= {{ fewest_for_an_interval() }}
                then {{ welch_degrees_of_freedom(
                    'arm_variance_of_mean', 'arm_n', 'control_variance_of_mean', 'control_n') }}
        end as degrees_of_freedom
    from estimates
),

intervals as (
    select
        *,
        arm_mean - control_mean as effect,
        ({{ t_quantile_975('degrees_of_freedom') }})
        * {{ square_root('arm_variance_of_mean + control_variance_of_mean') }} as half_width
    from spread
)

select
    source_system,
    experiment_id,
    arm,
    control_arm,
    metric,
    method,
    arm_size,
    coalesce(control_size, 0) as control_size,
    arm_contacted_count,
    coalesce(control_contacted_count, 0) as control_contacted_count,
    {{ rounded_double('arm_mean') }} as arm_mean,
    {{ rounded_double('control_mean') }} as control_mean,
    {{ rounded_double('effect') }} as effect,
    case
        when control_mean > 0 then {{ rounded_double(double_ratio('effect', 'control_mean')) }}
    end as relative_effect,
    {{ rounded_double('effect - half_width') }} as low,
    {{ rounded_double('effect + half_width') }} as high,
    case when method = 'cuped' then {{ rounded_double('theta') }} end as theta,
    {{ rounded_double('degrees_of_freedom', 4) }} as degrees_of_freedom
from intervals
