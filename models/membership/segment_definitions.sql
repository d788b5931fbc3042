-- A version holds from the first refresh that used it. Month ends that a refresh filled in for a
-- new segment are no versions of it: nobody acted on it then.
with

observations as (
    select * from {{ ref('segment_observations') }} where basis = 'published'
),

lineage as (
    select * from {{ ref('segment_lineage') }}
),

instants as (
    select distinct as_of from observations
),

with_previous as (
    select
        segment_key,
        definition_version,
        as_of,
        lag(definition_version) over (
            partition by segment_key order by as_of asc nulls last
        ) as previous_version
    from observations
    where segment_model is not null
),

versions as (
    select
        segment_key,
        definition_version,
        as_of as valid_from,
        lead(as_of) over (partition by segment_key order by as_of asc nulls last) as next_from,
        lag(as_of) over (partition by segment_key order by as_of asc nulls last) as previous_from
    from with_previous
    where previous_version is null or previous_version <> definition_version
),

last_uses as (
    select
        segment_key,
        max(as_of) as last_as_of
    from with_previous
    group by segment_key
),

-- A key that is not observed any more ended with the first refresh without it.
ends as (
    select
        last_uses.segment_key,
        min(instants.as_of) as ended_at
    from last_uses
    inner join instants
        on last_uses.last_as_of < instants.as_of
    group by last_uses.segment_key
),

merged as (
    select
        segment_key,
        min(successor_key) as merged_into
    from lineage
    where change = 'merged'
    group by segment_key
),

split as (
    select
        successor_key as segment_key,
        min(segment_key) as split_from
    from lineage
    where change = 'split'
    group by successor_key
)

select
    versions.segment_key,
    versions.definition_version,
    versions.valid_from,
    coalesce(versions.next_from, ends.ended_at) as valid_to,
    case when versions.next_from is null then merged.merged_into end as merged_into,
    case when versions.previous_from is null then split.split_from end as split_from
from versions
left join ends
    on versions.segment_key = ends.segment_key
left join merged
    on versions.segment_key = merged.segment_key
left join split
    on versions.segment_key = split.segment_key
