-- Whoever is in both arms got the campaign and was held out: the difference says nothing of them.
select
    source_system,
    experiment_id,
    several_arms_count
from {{ ref('experiments') }}
where several_arms_count > 0
