-- An experiment speaks by its registered metric, and by the method that segmentation_roi takes too:
-- nobody picks the figure that came out better. Nor the arm: each has a row.
with

definitions as (
    select * from {{ ref('segment_definitions') }}
),

decisions as (
    select * from {{ ref('segment_decisions') }}
),

results as (
    select * from {{ ref('experiment_results') }} where is_registered_metric and method = 'cuped'
),

changes as (
    select
        segment_key,
        valid_from as changed_at,
        lag(definition_version) over (
            partition by segment_key order by valid_from asc nulls last
        ) as previous_version,
        definition_version
    from definitions
)

select
    changes.segment_key,
    changes.changed_at,
    changes.previous_version,
    changes.definition_version,
    decisions.decided_on,
    decisions.decided_by,
    decisions.reason,
    decisions.source_system,
    decisions.experiment_id,
    results.metric,
    results.arm,
    results.method,
    results.effect,
    results.low,
    results.high,
    results.verdict
from changes
left join decisions
    on
        changes.segment_key = decisions.segment_key
        and changes.definition_version = decisions.definition_version
left join results
    on
        decisions.source_system = results.source_system
        and decisions.experiment_id = results.experiment_id
