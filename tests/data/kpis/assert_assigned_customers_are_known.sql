-- References of another tool are nobody's: their zero orders thin every effect out.
select
    source_system,
    experiment_id,
    unknown_count
from {{ ref('experiments') }}
where unknown_count > 0
