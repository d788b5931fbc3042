with

published as (
    select * from {{ source('state', 'segment_observations') }}
),

catalogue as (
    select * from {{ ref('segment_catalogue') }}
),

steps as (
    select * from {{ ref('segment_steps') }}
),

changes as (
    select * from {{ ref('segment_changes') }}
),

-- A key that is no longer in the catalogue is observed once more: empty, when its last members
-- leave.
of_retired as (
    select
        changes.segment_key,
        cast(null as string) as segment_model,
        changes.as_of,
        max(changes.definition_version) as definition_version,
        max(changes.basis) as basis
    from changes
    left join catalogue
        on changes.segment_key = catalogue.segment_key
    where changes.is_new and catalogue.segment_key is null
    group by changes.segment_key, changes.as_of
)

select
    segment_key,
    segment_model,
    as_of,
    definition_version,
    basis,
    true as is_new
from steps
union all
select
    segment_key,
    segment_model,
    as_of,
    definition_version,
    basis,
    true as is_new
from of_retired
union all
select
    segment_key,
    segment_model,
    as_of,
    definition_version,
    basis,
    false as is_new
from published
