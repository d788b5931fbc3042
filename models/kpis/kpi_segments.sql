with

catalogue as (
    select * from {{ ref('segment_catalogue') }}
)

select
    segment_key,
    exclusive_group,
    entity,
    definition_version,
    false as is_none
from catalogue
union all
select distinct
    exclusive_group || '_none' as segment_key,
    exclusive_group,
    entity,
    definition_version,
    true as is_none
from catalogue
where exclusive_group is not null
union all
select
    'all' as segment_key,
    cast(null as string) as exclusive_group,
    'customer' as entity,
    cast(null as string) as definition_version,
    false as is_none
