{{ config(materialized='view') }}

with

customers as (
    select * from {{ ref('stg_customers') }}
),

erased as (
    select * from {{ ref('erased_records') }}
),

placeholders as (
    select * from {{ ref('identifier_placeholders') }}
),

named as (
    select
        customers.source_system,
        customers.customer_ref,
        lower(customers.first_name) as first_name,
        lower(customers.last_name) as last_name,
        customers.birth_date,
        lower(nullif(trim(customers.city), '')) as city,
        case when addresses.identifier_value is null then customers.email end as email,
        case when numbers.identifier_value is null then customers.phone_e164 end as phone
    from customers
    left join placeholders as addresses
        on {{ is_placeholder_email('customers.email', 'addresses') }}
    left join placeholders as numbers
        on customers.phone_e164 = numbers.identifier_value and numbers.identifier_kind = 'phone'
),

in_one_system as (
    select
        source_system,
        'email' as identifier_kind,
        email as identifier_value,
        count(*) as reference_count
    from named
    where email is not null
    group by source_system, email
    union all
    select
        source_system,
        'phone' as identifier_kind,
        phone as identifier_value,
        count(*) as reference_count
    from named
    where phone is not null
    group by source_system, phone
),

over_shared as (
    select distinct
        identifier_kind,
        identifier_value
    from in_one_system
    where reference_count > {{ var('identifier_maximum_references') }}
)

select
    {{ customer_id_of('named.source_system', 'named.customer_ref') }} as record_id,
    named.first_name,
    named.last_name,
    named.birth_date,
    named.city,
    case when emails.identifier_value is null then named.email end as email,
    case when phones.identifier_value is null then named.phone end as phone
from named
left join over_shared as emails
    on named.email = emails.identifier_value and emails.identifier_kind = 'email'
left join over_shared as phones
    on named.phone = phones.identifier_value and phones.identifier_kind = 'phone'
-- Who was erased counts among those who share an address, and is compared with nobody.
left join erased
    on {{ names_record('named', 'erased', has_email=false) | indent(4) }}
where erased.record_id is null
