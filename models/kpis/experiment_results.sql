{%- set minimum = var('experiment_minimum_customers') | int -%}

with

estimates as (
    select * from {{ ref('experiment_estimates') }}
),

experiments as (
    select * from {{ ref('experiments') }}
),

ratios as (
    select * from {{ ref('experiment_sample_ratios') }}
),

judged as (
    select
        experiments.*,
        estimates.arm,
        estimates.metric,
        estimates.method,
        estimates.metric = experiments.registered_metric as is_registered_metric,
        estimates.arm_size,
        estimates.control_size,
        estimates.arm_contacted_count,
        estimates.control_contacted_count,
        estimates.arm_mean,
        estimates.control_mean,
        estimates.effect,
        estimates.relative_effect,
        estimates.low,
        estimates.high,
        estimates.theta,
        ratios.sample_ratio_statistic,
        ratios.sample_ratio_limit,
        ratios.sample_ratio_verdict,
        case
            when estimates.control_arm is null then 'no_control'
            when ratios.has_unplanned_arm then 'unplanned_arm'
            when ratios.sample_ratio_verdict = 'invalid' then 'sample_ratio'
            when experiments.is_running then 'running'
            when least(estimates.arm_size, estimates.control_size) < {{ minimum }} then 'too_few'
            when estimates.low is null then 'no_spread'
            when estimates.low > 0 then 'above'
            when estimates.high < 0 then 'below'
            else 'contains_zero'
        end as finding
    from estimates
    inner join experiments
        on
            estimates.source_system = experiments.source_system
            and estimates.experiment_id = experiments.experiment_id
    inner join ratios
        on
            estimates.source_system = ratios.source_system
            and estimates.experiment_id = ratios.experiment_id
)

select
    source_system,
    experiment_id,
    segment_key,
    arm,
    control_arm,
    metric,
    method,
    is_registered_metric,
    started_at,
    stop_on,
    window_ends_on,
    arm_size,
    control_size,
    arm_mean,
    control_mean,
    -- Whoever looks before the end stops when chance is kind: an interval is there when it is due.
    case when finding <> 'running' then effect end as effect,
    case when finding <> 'running' then relative_effect end as relative_effect,
    case when finding <> 'running' then low end as low,
    case when finding <> 'running' then high end as high,
    theta,
    sample_ratio_statistic,
    sample_ratio_limit,
    sample_ratio_verdict,
    case
        when finding in ('unplanned_arm', 'sample_ratio') then 'invalid'
        when finding = 'running' then 'running'
        when finding = 'above' then 'better'
        when finding = 'below' then 'worse'
        else 'cannot tell'
    end as verdict,
    {{ experiment_reason('finding') | indent(4) }} as reason,
    arm_contacted_count,
    control_contacted_count,
    several_records_count,
    several_arms_count,
    after_the_end_count,
    unknown_count
from judged
