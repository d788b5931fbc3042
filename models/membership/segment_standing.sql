with

published as (
    select * from {{ source('state', 'segment_changes') }}
),

catalogue as (
    select * from {{ ref('segment_catalogue') }}
),

-- A key has members of one entity: as a value and not as a part of the key, it costs less.
standing as (
    select
        segment_key,
        member_id,
        max(entity) as entity,
        max(as_of) filter (where event = 'entered') as entered_at
    from published
    group by segment_key, member_id
    having
        count(*) filter (where event = 'entered') > count(*) filter (where event = 'exited')
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
