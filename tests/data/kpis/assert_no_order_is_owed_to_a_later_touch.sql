-- What happened after an order did not bring it about; nor did what happened after as_of.
select
    paths.source_system,
    paths.order_id,
    paths.touch_id
from {{ ref('attribution_paths') }} as paths
inner join {{ ref('as_of_spine') }} as spine
    on spine.is_current
where paths.touched_at > paths.ordered_at or paths.ordered_at > spine.as_of
