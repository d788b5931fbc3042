{%- set minimum = var('experiment_minimum_customers') | int -%}

-- Both sides are the net amount of the orders of the same customers in the same windows.
with

results as (
    select *
    from {{ ref('experiment_results') }}
    where metric = 'order_amount' and method = 'cuped' and control_arm is not null
),

credits as (
    select * from {{ ref('experiment_credits') }}
),

models as (
    {%- for model in attribution_models() %}
    select '{{ model }}' as attribution_model
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- An arm whose assignments do not all name campaigns of one channel acts on none that is known.
acting as (
    select
        source_system,
        experiment_id,
        arm,
        min(channel) as channel
    from {{ ref('experiment_outcomes') }}
    where exclusion is null
    group by source_system, experiment_id, arm
    having min(channel) = max(channel) and count(channel) = count(*)
),

compared as (
    select
        results.*,
        acting.channel,
        models.attribution_model,
        cast(coalesce(treated.attributed_revenue, 0) as decimal(18, 4)) as attributed_revenue,
        cast(coalesce(control.attributed_revenue, 0) as decimal(18, 4))
            as control_attributed_revenue
    from results
    cross join models
    inner join acting
        on
            results.source_system = acting.source_system
            and results.experiment_id = acting.experiment_id
            and results.arm = acting.arm
    {%- for side, arm in [('treated', 'arm'), ('control', 'control_arm')] %}
    left join credits as {{ side }}
        on
            results.source_system = {{ side }}.source_system
            and results.experiment_id = {{ side }}.experiment_id
            and results.{{ arm }} = {{ side }}.arm
            and acting.channel = {{ side }}.channel
            and models.attribution_model = {{ side }}.attribution_model
    {%- endfor %}
),

lifted as (
    select
        *,
        {{ ratio('attributed_revenue', 'arm_size') }}
        - {{ ratio('control_attributed_revenue', 'control_size') }} as attributed_lift,
        verdict in ('invalid', 'running') or low is null
        or least(arm_size, control_size) < {{ minimum }} as is_unknown
    from compared
),

judged as (
    select
        *,
        case
            when is_unknown then 'unknown'
            when attributed_lift > high then 'over'
            when attributed_lift < low then 'under'
            else 'agrees'
        end as accuracy
    from lifted
)

select
    source_system,
    experiment_id,
    arm,
    control_arm,
    channel,
    segment_key,
    attribution_model,
    started_at,
    window_ends_on,
    arm_size,
    control_size,
    attributed_revenue,
    control_attributed_revenue,
    {{ ratio('attributed_revenue', 'arm_size') }} as attributed_per_customer,
    {{ ratio('control_attributed_revenue', 'control_size') }} as control_attributed_per_customer,
    cast(attributed_lift as decimal(18, 6)) as attributed_lift,
    effect as incremental_lift,
    low,
    high,
    cast(attributed_lift - effect as decimal(18, 6)) as over_attribution,
    {{ rounded_double(double_ratio('attributed_lift', 'effect')) }} as attribution_ratio,
    accuracy as verdict,
    case accuracy
        when 'over' then 'More is credited than the 95 % interval of what the arm caused allows.'
        when 'under' then 'Less is credited than the 95 % interval of what the arm caused allows.'
        when 'agrees' then 'What is credited lies in the 95 % interval of what the arm caused.'
        else reason
    end as reason
from judged
