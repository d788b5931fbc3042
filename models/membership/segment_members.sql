-- Who stood in a segment when this run began and of whom it has nothing new, and who entered since:
-- a day changes few memberships, so that the history before it is read once, by segment_standing.
with

changes as (
    select * from {{ ref('segment_changes') }} where is_new
),

standing as (
    select * from {{ ref('segment_standing') }}
),

-- The last thing that happened to a member of a segment says whether it is in.
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
    standing.segment_key,
    standing.entity,
    standing.member_id,
    standing.entered_at
from standing
left join latest
    on standing.segment_key = latest.segment_key and standing.member_id = latest.member_id
where latest.member_id is null
union all
select
    segment_key,
    entity,
    member_id,
    as_of as entered_at
from latest
where event = 'entered'
