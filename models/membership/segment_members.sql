-- The last thing that happened to a member of a segment says whether it is in.
with

changes as (
    select * from {{ ref('segment_changes') }}
),

latest as (
    select
        segment_key,
        entity,
        member_id,
        event,
        as_of
    from changes
    qualify
        row_number() over (
            partition by segment_key, member_id order by as_of desc nulls last
        ) = 1
)

select
    segment_key,
    entity,
    member_id,
    as_of as entered_at
from latest
where event = 'entered'
