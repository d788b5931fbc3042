-- Holdouts who get the campaign after all make the arms alike: a good campaign looks useless.
select
    outcomes.source_system,
    outcomes.experiment_id,
    count(*) as contacted_count
from {{ ref('experiment_outcomes') }} as outcomes
inner join {{ ref('experiments') }} as experiments
    on
        outcomes.source_system = experiments.source_system
        and outcomes.experiment_id = experiments.experiment_id
        and outcomes.arm = experiments.control_arm
where outcomes.was_contacted and outcomes.exclusion is null
group by outcomes.source_system, outcomes.experiment_id
