with

sightings as (
    select * from {{ ref('sightings') }}
),

records as (
    select
        {{ record_kind('customer_ref', 'email', 'phone') }} as record_kind,
        case
            when customer_ref is not null then source_system
            when email is not null then 'email'
            else 'phone'
        end as source_system,
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
