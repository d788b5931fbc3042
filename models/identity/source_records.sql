with

sightings as (
    select * from {{ ref('sightings') }}
),

records as (
    select
        {{ record_kind('customer_ref', 'email', 'phone') }} as record_kind,
        {{ record_system('source_system', 'customer_ref', 'email') | indent(4) }} as source_system,
        coalesce(customer_ref, email, phone) as reference,
        first_seen_at
    from sightings
    where customer_ref is not null or email is not null or phone is not null
),

merged as (
    select
        record_kind,
        source_system,
        reference,
        case when count(*) = count(first_seen_at) then min(first_seen_at) end as first_seen_at
    from records
    group by record_kind, source_system, reference
)

select
    {{ customer_id_of('source_system', 'reference') }} as record_id,
    record_kind,
    source_system,
    reference,
    first_seen_at
from merged
