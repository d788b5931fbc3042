with

sightings as (
    select * from {{ ref('sightings') }}
),

records as (
    select * from {{ ref('source_records') }}
),

-- Of a record that is gone nothing is left to link.
probable as (
    select
        links.record_id,
        links.link_value,
        count(*) over (partition by links.link_value) as record_count
    from {{ source('run', 'probable_links') }} as links
    inner join records
        on links.record_id = records.record_id
),

identifiers as (
    select
        customer_ref,
        source_system,
        email,
        phone,
        'email' as identifier_kind,
        email as identifier_value
    from sightings
    where email is not null
    union all
    select
        customer_ref,
        source_system,
        email,
        phone,
        'phone' as identifier_kind,
        phone as identifier_value
    from sightings
    where phone is not null
),

-- Most values name one record only, and are done with here.
repeated as (
    select
        identifier_kind,
        identifier_value
    from identifiers
    group by identifier_kind, identifier_value
    having
        count(*) > 1
),

carried as (
    select distinct
        identifiers.identifier_kind,
        identifiers.identifier_value,
        {{ record_system(
            'identifiers.source_system', 'identifiers.customer_ref', 'identifiers.email'
        ) | indent(4) }} as source_system,
        coalesce(identifiers.customer_ref, identifiers.email, identifiers.phone) as reference,
        {{ record_kind(
            'identifiers.customer_ref', 'identifiers.email', 'identifiers.phone'
        ) }} as record_kind
    from identifiers
    inner join repeated
        on
            identifiers.identifier_kind = repeated.identifier_kind
            and identifiers.identifier_value = repeated.identifier_value
),

in_one_system as (
    select
        identifier_kind,
        identifier_value,
        source_system,
        count(*) as record_count,
        count(*) filter (where record_kind = 'reference') as reference_count
    from carried
    group by identifier_kind, identifier_value, source_system
),

usable as (
    select
        identifier_kind,
        identifier_value
    from in_one_system
    group by identifier_kind, identifier_value
    having
        sum(record_count) > 1
        and max(reference_count) <= {{ var('identifier_maximum_references') }}
)

select
    records.record_id,
    carried.identifier_kind,
    carried.identifier_value
from carried
inner join usable
    on
        carried.identifier_kind = usable.identifier_kind
        and carried.identifier_value = usable.identifier_value
inner join records
    on
        carried.record_kind = records.record_kind
        and carried.source_system = records.source_system
        and carried.reference = records.reference
union all
select
    record_id,
    'probable' as identifier_kind,
    link_value as identifier_value
from probable
where record_count > 1
