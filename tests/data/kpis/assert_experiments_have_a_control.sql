-- An arm without one to compare it with has a mean and no effect.
select
    experiments.source_system,
    experiments.experiment_id,
    experiments.control_arm
from {{ ref('experiments') }} as experiments
left join {{ ref('experiment_results') }} as results
    on
        experiments.source_system = results.source_system
        and experiments.experiment_id = results.experiment_id
        and results.control_arm is not null
group by experiments.source_system, experiments.experiment_id, experiments.control_arm
having count(results.arm) = 0
