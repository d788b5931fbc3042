with

records as (
    select * from {{ ref('source_records') }}
),

customers as (
    select * from {{ ref('stg_customers') }}
),

-- Which customer an e-mail belongs to: of the records that carry it the oldest, so that the answer
-- never depends on the order of arrival.
email_owners as (
    select
        customers.email,
        records.source_system,
        records.reference
    from customers
    inner join records
        on
            customers.source_system = records.source_system
            and customers.customer_ref = records.reference
            and records.record_kind = 'reference'
    where customers.email is not null
    qualify
        row_number() over (
            partition by customers.email
            order by
                records.first_seen_at asc nulls first,
                records.source_system asc nulls last,
                records.reference asc nulls last
        ) = 1
)

select
    records.source_system,
    records.reference,
    records.record_kind,
    records.first_seen_at,
    {{ customer_id_of(
        'coalesce(email_owners.source_system, records.source_system)',
        'coalesce(email_owners.reference, records.reference)'
    ) }} as customer_id,
    case
        when records.record_kind = 'reference' then 'reference'
        when email_owners.email is not null then 'e-mail of a reference'
        else 'e-mail'
    end as link_reason
from records
left join email_owners
    on records.record_kind = 'email' and records.reference = email_owners.email
