with

changes as (
    select * from {{ ref('segment_changes') }}
)

select
    {{ dbt.hash(
        "segment_key || '|' || customer_id || '|' || event || '|' || cast(as_of as string)"
    ) }} as event_id,
    segment_key,
    customer_id,
    event,
    as_of,
    definition_version,
    basis
from changes
