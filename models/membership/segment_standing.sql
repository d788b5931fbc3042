with

published as (
    select * from {{ source('state', 'segment_changes') }}
),

catalogue as (
    select * from {{ ref('segment_catalogue') }}
),

exits as (
    select
        segment_key,
        member_id,
        max(as_of) as exited_at
    from published
    where event = 'exited'
    group by segment_key, member_id
),

-- Entries and exits of a member take turns. To look up the last exit costs half of adding up both.
standing as (
    select
        published.segment_key,
        published.entity,
        published.member_id,
        published.as_of as entered_at
    from published
    left join exits
        on published.segment_key = exits.segment_key and published.member_id = exits.member_id
    where
        published.event = 'entered'
        and (exits.exited_at is null or published.as_of > exits.exited_at)
),

last_versions as (
    select
        segment_key,
        definition_version
    from {{ source('state', 'segment_observations') }}
    qualify row_number() over (partition by segment_key order by as_of desc nulls last) = 1
)

select
    standing.segment_key,
    standing.entity,
    standing.member_id,
    standing.entered_at,
    last_versions.definition_version,
    catalogue.segment_key is null as is_retired
from standing
left join last_versions
    on standing.segment_key = last_versions.segment_key
left join catalogue
    on standing.segment_key = catalogue.segment_key
