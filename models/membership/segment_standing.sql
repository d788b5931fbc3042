with

published as (
    select * from {{ source('state', 'segment_changes') }}
),

catalogue as (
    select * from {{ ref('segment_catalogue') }}
),

standing as (
    select
        segment_key,
        entity,
        member_id,
        max(definition_version) as definition_version
    from published
    group by segment_key, entity, member_id
    having
        count(*) filter (where event = 'entered') > count(*) filter (where event = 'exited')
)

select
    standing.segment_key,
    standing.entity,
    standing.member_id,
    standing.definition_version,
    catalogue.segment_key is null as is_retired
from standing
left join catalogue
    on standing.segment_key = catalogue.segment_key
