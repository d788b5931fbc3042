-- Who entered and who left, at every observed instant: what was published before this run, and
-- what this run adds. A member who left has a row of its own, also when the new result is empty,
-- when the segment was retired, and when a map no longer leads to it.
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

-- Every membership with the number of its instant; 0 is what stood before this run.
memberships as (
    select
        observed.segment_key,
        observed.entity,
        observed.member_id,
        steps.step
    from observed
    inner join steps
        on observed.segment_key = steps.segment_key and observed.as_of = steps.as_of
    union all
    select
        segment_key,
        entity,
        member_id,
        0 as step
    from standing
),

runs_of_membership as (
    select
        segment_key,
        entity,
        member_id,
        step,
        lag(step) over (
            partition by segment_key, member_id order by step asc nulls last
        ) as previous_step,
        lead(step) over (
            partition by segment_key, member_id order by step asc nulls last
        ) as next_step
    from memberships
),

new_changes as (
    select
        segment_key,
        entity,
        member_id,
        'entered' as event,
        step as at_step
    from runs_of_membership
    where step > 0 and coalesce(previous_step, -1) <> step - 1
    union all
    select
        segment_key,
        entity,
        member_id,
        'exited' as event,
        step + 1 as at_step
    from runs_of_membership
    where coalesce(next_step, -1) <> step + 1
)

select
    new_changes.segment_key,
    new_changes.entity,
    new_changes.member_id,
    new_changes.event,
    steps.as_of,
    steps.definition_version,
    steps.basis,
    true as is_new
from new_changes
-- An exit after the last instant of this run has no instant: that customer is still in.
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
    max(standing.definition_version) over (
        partition by standing.segment_key
    ) as definition_version,
    'published' as basis,
    true as is_new
from standing
cross join settings
where standing.is_retired
union all
select
    segment_key,
    entity,
    member_id,
    event,
    as_of,
    definition_version,
    basis,
    false as is_new
from {{ source('state', 'segment_changes') }}
