with

observations as (
    select * from {{ ref('segment_observations') }}
),

changes as (
    select * from {{ ref('segment_changes') }}
),

flows as (
    select
        segment_key,
        as_of,
        cast(count(*) filter (where event = 'entered') as bigint) as entered_count,
        cast(count(*) filter (where event = 'exited') as bigint) as exited_count
    from changes
    group by segment_key, as_of
),

observed_flows as (
    select
        observations.segment_key,
        observations.as_of,
        observations.basis,
        coalesce(flows.entered_count, 0) as entered_count,
        coalesce(flows.exited_count, 0) as exited_count
    from observations
    left join flows
        on observations.segment_key = flows.segment_key and observations.as_of = flows.as_of
),

running as (
    select
        *,
        cast(
            sum(entered_count - exited_count) over (
                partition by segment_key order by as_of asc nulls last
                rows between unbounded preceding and current row
            ) as bigint
        ) as member_count
    from observed_flows
)

select
    segment_key,
    as_of,
    member_count - entered_count + exited_count as opening_count,
    entered_count,
    exited_count,
    member_count,
    basis
from running
