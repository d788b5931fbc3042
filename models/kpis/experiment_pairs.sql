{%- set measures = ['sum_y', 'sum_x', 'sum_yy', 'sum_xx', 'sum_xy'] -%}
{%- set sides = ['arm', 'control'] -%}

-- Doubles of exact sums: the statistics of a comparison, before any method.
with

sums as (
    select * from {{ ref('experiment_arm_sums') }}
),

experiments as (
    select * from {{ ref('experiments') }}
),

pairs as (
    select
        treated.source_system,
        treated.experiment_id,
        treated.arm,
        control.arm as control_arm,
        treated.metric,
        {%- for side, relation in [('arm', 'treated'), ('control', 'control')] %}
        {{ relation }}.customer_count as {{ side }}_size,
        {{ relation }}.contacted_count as {{ side }}_contacted_count,
        {{ as_double(relation ~ '.customer_count') }} as {{ side }}_n,
        {{ relation }}.least_y < {{ relation }}.greatest_y as {{ side }}_varies,
        {%- for measure in measures %}
        {{ as_double(relation ~ '.' ~ measure) }} as {{ side }}_{{ measure }},
        {%- endfor %}
        {%- endfor %}
        least(treated.least_x, control.least_x)
        < greatest(treated.greatest_x, control.greatest_x) as has_history
    from sums as treated
    inner join experiments
        on
            treated.source_system = experiments.source_system
            and treated.experiment_id = experiments.experiment_id
    left join sums as control
        on
            treated.source_system = control.source_system
            and treated.experiment_id = control.experiment_id
            and treated.metric = control.metric
            and experiments.control_arm = control.arm
    where experiments.control_arm is null or treated.arm <> experiments.control_arm
),

both_arms as (
    select
        *,
        {%- for measure in measures %}
        arm_{{ measure }} + control_{{ measure }} as {{ measure }},
        {%- endfor %}
        {%- for side in sides %}
        {{ double_ratio(side ~ '_sum_y', side ~ '_n') }} as {{ side }}_mean_y,
        {{ double_ratio(side ~ '_sum_x', side ~ '_n') }} as {{ side }}_mean_x,
        case
            when {{ side }}_varies
                then {{ covariance_of_sums(
                    side ~ '_n', side ~ '_sum_y', side ~ '_sum_y', side ~ '_sum_yy') }}
            else 0
        end as {{ side }}_variance_y,
        {{ covariance_of_sums(side ~ '_n', side ~ '_sum_x', side ~ '_sum_x', side ~ '_sum_xx') }}
            as {{ side }}_variance_x,
        {{ covariance_of_sums(side ~ '_n', side ~ '_sum_x', side ~ '_sum_y', side ~ '_sum_xy') }}
            as {{ side }}_covariance,
        {%- endfor %}
        arm_n + control_n as n
    from pairs
),

-- CUPED (Deng, Xu, Kohavi and Walker 2013): theta = cov(x, y) / var(x) over both arms.
with_theta as (
    select
        *,
        {{ double_ratio('sum_x', 'n') }} as mean_x,
        case
            when has_history
                then {{ double_ratio('n * sum_xy - sum_x * sum_y', 'n * sum_xx - sum_x * sum_x') }}
            else 0
        end as theta
    from both_arms
)

select
    source_system,
    experiment_id,
    arm,
    control_arm,
    metric,
    {%- for side in sides %}
    {{ side }}_size,
    {{ side }}_contacted_count,
    {{ side }}_n,
    {{ side }}_varies,
    {{ side }}_mean_x,
    {{ side }}_mean_y,
    {{ side }}_variance_x,
    {{ side }}_variance_y,
    {{ side }}_covariance,
    {%- endfor %}
    mean_x,
    theta
from with_theta
