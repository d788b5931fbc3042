{{ config(materialized='view') }}

with

written_down as (
    select * from {{ ref('segmentation_programmes') }}
),

tried as (
    select distinct
        assignments.source_system,
        assignments.experiment_id
    from {{ ref('stg_experiment_assignments') }} as assignments
    inner join {{ ref('as_of_spine') }} as spine
        on assignments.assigned_at <= spine.as_of
    where spine.is_current
)

-- One that goes with an experiment begins with it, so that a report does not tell of the demo's.
select
    written_down.programme,
    written_down.segment_key,
    written_down.before_start,
    written_down.before_end,
    written_down.started_on,
    written_down.after_start,
    written_down.after_end,
    written_down.margin_rate,
    written_down.cost,
    written_down.source_system,
    written_down.experiment_id,
    written_down.experiment_arm
from written_down
left join tried
    on
        written_down.source_system = tried.source_system
        and written_down.experiment_id = tried.experiment_id
where written_down.experiment_id is null or tried.experiment_id is not null
