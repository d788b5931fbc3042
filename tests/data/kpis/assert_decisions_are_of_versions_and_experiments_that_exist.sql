-- A decision with a typing error explains nothing, and its change looks as if nobody had explained
-- it. A segment that is off waits for its first refresh, and what was decided before the history of
-- this warehouse began is about versions that it cannot know.
with

decisions as (
    select * from {{ ref('segment_decisions') }}
),

versions as (
    select
        segment_key,
        definition_version,
        min(as_of) as first_as_of
    from {{ ref('segment_observations') }}
    where basis = 'published' and segment_model is not null
    group by segment_key, definition_version
),

beginnings as (
    select
        versions.segment_key,
        {{ business_date('min(versions.first_as_of)', 'min(settings.business_time_zone)') }}
            as began_on
    from versions
    cross join {{ source('run', 'settings') }} as settings
    group by versions.segment_key
),

known_keys as (
    {{ project_segment_keys() | indent(4) }}
    union
    -- The verb that renames a segment renames its decisions.
    select segment_key from {{ ref('segment_lineage') }} where change <> 'renamed'
    union
    select segment_key from versions
),

experiments as (
    select distinct
        source_system,
        experiment_id
    from {{ ref('experiment_results') }}
),

known_experiments as (
    select count(*) as experiment_count from experiments
),

faults as (
    select
        decisions.*,
        case
            when
                decisions.decided_on is null or decisions.decided_by is null
                or decisions.reason is null
                then 'it does not say on which day, by whom and why'
            when known_keys.segment_key is null then 'there is no such segment'
            when
                beginnings.began_on <= decisions.decided_on
                and versions.definition_version is null
                then 'no refresh observed this version of the segment'
            when (decisions.source_system is null) <> (decisions.experiment_id is null)
                then 'it names an experiment without its source system, or the other way around'
            when
                known_experiments.experiment_count > 0
                and decisions.experiment_id is not null
                and experiments.experiment_id is null
                then 'there is no such experiment'
        end as fault
    from decisions
    cross join known_experiments
    left join known_keys
        on decisions.segment_key = known_keys.segment_key
    left join beginnings
        on decisions.segment_key = beginnings.segment_key
    left join versions
        on
            decisions.segment_key = versions.segment_key
            and decisions.definition_version = versions.definition_version
    left join experiments
        on
            decisions.source_system = experiments.source_system
            and decisions.experiment_id = experiments.experiment_id
)

select
    segment_key,
    definition_version,
    source_system,
    experiment_id,
    fault
from faults
where fault is not null
