with

outcomes as (
    select * from {{ ref('experiment_outcomes') }}
),

designs as (
    select * from {{ ref('experiment_designs') }}
),

counted as (
    select
        source_system,
        experiment_id,
        min(assigned_at) as started_at,
        max(window_ends_on) filter (where exclusion is null) as window_ends_on,
        coalesce(bool_or(not is_window_closed) filter (where exclusion is null), false)
            as is_running,
        bool_or(arm = 'control' and exclusion is null) as has_control,
        bool_or(arm = 'holdout' and exclusion is null) as has_holdout,
        min(coalesce(segment_key, 'all')) as least_segment_key,
        max(coalesce(segment_key, 'all')) as greatest_segment_key,
        count(*) filter (where campaign_id is null) as without_campaign_count,
        count(*) filter (where record_count > 1) as several_records_count,
        count(*) filter (where exclusion = 'several_arms') as several_arms_count,
        count(*) filter (where exclusion = 'after_the_end') as after_the_end_count,
        count(*) filter (where was_unknown) as unknown_count
    from outcomes
    group by source_system, experiment_id
)

select
    counted.source_system,
    counted.experiment_id,
    coalesce(
        lower(trim(designs.control_arm)),
        case when counted.has_control then 'control' when counted.has_holdout then 'holdout' end
    ) as control_arm,
    coalesce(lower(trim(designs.metric)), 'net_revenue') as registered_metric,
    designs.experiment_id is not null as is_registered,
    case
        when counted.least_segment_key = counted.greatest_segment_key then counted.least_segment_key
        else 'all'
    end as segment_key,
    counted.started_at,
    designs.stop_on,
    counted.window_ends_on,
    counted.is_running,
    cast(counted.without_campaign_count as bigint) as without_campaign_count,
    cast(counted.several_records_count as bigint) as several_records_count,
    cast(counted.several_arms_count as bigint) as several_arms_count,
    cast(counted.after_the_end_count as bigint) as after_the_end_count,
    cast(counted.unknown_count as bigint) as unknown_count
from counted
left join designs
    on
        counted.source_system = designs.source_system
        and counted.experiment_id = designs.experiment_id
