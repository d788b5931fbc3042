-- A view: to write the whole history down again would be most of what a day costs here.
{{ config(materialized='view') }}

select
    segment_key,
    entity,
    member_id,
    event,
    as_of,
    definition_version,
    basis,
    true as is_new
from {{ ref('new_segment_changes') }}
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
