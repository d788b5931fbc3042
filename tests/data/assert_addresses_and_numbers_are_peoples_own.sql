-- An e-mail or phone of many references is a shop's or an office's. It links nothing, and whoever
-- looks for one customer in it should know.
with

sightings as (
    select * from {{ ref('sightings') }} where customer_ref is not null
),

carried as (
    select distinct
        'email' as identifier_kind,
        source_system,
        email as identifier_value,
        customer_ref
    from sightings
    where email is not null
    union all
    select distinct
        'phone' as identifier_kind,
        source_system,
        phone as identifier_value,
        customer_ref
    from sightings
    where phone is not null
)

select
    identifier_kind,
    source_system,
    count(*) as reference_count
from carried
group by identifier_kind, source_system, identifier_value
having count(*) > {{ var('identifier_maximum_references') }}
