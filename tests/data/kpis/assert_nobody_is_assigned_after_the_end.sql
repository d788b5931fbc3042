-- A window that was over when it began has no orders in it, and drags its arm down.
select
    source_system,
    experiment_id,
    after_the_end_count
from {{ ref('experiments') }}
where after_the_end_count > 0
