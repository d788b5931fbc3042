with

changes as (
    select * from {{ ref('segment_changes') }}
),

paired as (
    select
        segment_key,
        customer_id,
        event,
        as_of as valid_from,
        lead(as_of) over (
            partition by segment_key, customer_id order by as_of asc nulls last
        ) as valid_to,
        definition_version,
        basis
    from changes
)

select
    segment_key,
    customer_id,
    valid_from,
    valid_to,
    definition_version,
    basis
from paired
where event = 'entered'
