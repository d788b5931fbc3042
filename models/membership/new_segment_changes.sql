-- A member who left has a row of its own, also when the new result is empty, when the segment was
-- retired, and when a map no longer leads to it.
with

observed as (
    select * from {{ ref('segment_membership_observed') }}
),

steps as (
    select * from {{ ref('segment_steps') }}
),

settings as (
    select * from {{ source('run', 'settings') }}
),

standing as (
    select * from {{ ref('segment_standing') }}
),

last_steps as (
    select
        segment_key,
        as_of,
        step,
        max(step) over (partition by segment_key) as last_step
    from steps
),

-- A membership adds one at its own instant and takes it away at the next: where one follows on
-- another nothing is left. What stood before this run is taken away at the first instant. Windows
-- over all memberships gave the same and cost more; so did lists taken from one another (`except`)
-- where several instants are observed at once.
edges as (
    select
        observed.segment_key,
        observed.entity,
        observed.member_id,
        last_steps.step + sides.later as at_step,
        sides.added
    from observed
    inner join last_steps
        on observed.segment_key = last_steps.segment_key and observed.as_of = last_steps.as_of
    cross join (values (0, 1), (1, -1)) as sides (later, added)
    -- After the last instant of this run there is none to leave at: that customer is still in.
    where last_steps.step + sides.later <= last_steps.last_step
    union all
    select
        segment_key,
        entity,
        member_id,
        1 as at_step,
        -1 as added
    from standing
),

new_changes as (
    select
        segment_key,
        member_id,
        at_step,
        max(entity) as entity,
        sum(added) as added
    from edges
    group by segment_key, member_id, at_step
    having sum(added) <> 0
)

select
    new_changes.segment_key,
    new_changes.entity,
    new_changes.member_id,
    case when new_changes.added > 0 then 'entered' else 'exited' end as event,
    steps.as_of,
    steps.definition_version,
    steps.basis
from new_changes
inner join steps
    on new_changes.segment_key = steps.segment_key and new_changes.at_step = steps.step
union all
-- Those standing under a key that no file of the catalogue yields any more leave at the as_of of
-- this refresh, which observes the key for the last time.
select
    standing.segment_key,
    standing.entity,
    standing.member_id,
    'exited' as event,
    settings.as_of,
    standing.definition_version,
    'published' as basis
from standing
cross join settings
where standing.is_retired
