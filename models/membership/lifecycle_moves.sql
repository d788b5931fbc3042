-- Who changed the lifecycle stage at the instants of this run, and whether orders and time alone do
-- that. What was published before was judged by the run that published it.
with

observations as (
    select * from {{ ref('segment_observations') }} where segment_model = 'grp_lifecycle'
),

changes as (
    select * from {{ ref('segment_changes') }} where is_new
),

identity_changes as (
    select * from {{ ref('identity_changes') }} where is_new and previous_customer_id is not null
),

transitions as (
    select * from {{ ref('lifecycle_transitions') }}
),

settings as (
    select * from {{ source('run', 'settings') }}
),

observed as (
    select
        segment_model,
        as_of,
        max(definition_version) as definition_version,
        bool_or(is_new) as is_new
    from observations
    group by segment_model, as_of
),

instants as (
    select
        as_of,
        definition_version,
        is_new,
        lag(as_of) over (
            partition by segment_model order by as_of asc nulls last
        ) as previous_as_of,
        lag(definition_version) over (
            partition by segment_model order by as_of asc nulls last
        ) as previous_version,
        lag(is_new) over (
            partition by segment_model order by as_of asc nulls last
        ) as previous_is_new
    from observed
),

-- A stage that no file yields any more is of the group still: it was observed as one of it.
moves as (
    select
        changes.as_of,
        changes.member_id as customer_id,
        coalesce(max(substr(changes.segment_key, length('lifecycle_') + 1)) filter (
            where changes.event = 'exited'
        ), 'none') as from_stage,
        coalesce(max(substr(changes.segment_key, length('lifecycle_') + 1)) filter (
            where changes.event = 'entered'
        ), 'none') as to_stage
    from changes
    where changes.segment_key in (select observations.segment_key from observations)
    group by changes.as_of, changes.member_id
),

-- At the first instant of all nobody moves: what was before it is not known.
timed as (
    select
        moves.*,
        instants.previous_as_of,
        {{ days_between(
            business_date('instants.previous_as_of', 'settings.business_time_zone'),
            business_date('moves.as_of', 'settings.business_time_zone')
        ) }} as days_between,
        instants.is_new and instants.previous_is_new as is_as_occurred,
        instants.definition_version <> instants.previous_version as is_redefined
    from moves
    cross join settings
    inner join instants
        on moves.as_of = instants.as_of and instants.previous_as_of is not null
),

with_other_records as (
    select
        previous_customer_id as customer_id,
        as_of
    from identity_changes
    union
    select
        customer_id,
        as_of
    from identity_changes
)

select
    timed.as_of,
    timed.customer_id,
    timed.from_stage,
    timed.to_stage,
    timed.previous_as_of,
    timed.days_between,
    timed.is_as_occurred,
    case
        when transitions.fewest_days <= timed.days_between then 'allowed'
        when timed.is_as_occurred then 'unexplained'
        when timed.is_redefined then 'definition_changed'
        when with_other_records.customer_id is not null then 'identity_changed'
        else 'facts_changed'
    end as cause
from timed
left join transitions
    on timed.from_stage = transitions.from_stage and timed.to_stage = transitions.to_stage
left join with_other_records
    on timed.customer_id = with_other_records.customer_id and timed.as_of = with_other_records.as_of
