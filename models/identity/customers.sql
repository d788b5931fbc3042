with

links as (
    select * from {{ ref('customer_links') }}
),

customer_records as (
    select * from {{ ref('stg_customers') }}
),

existence as (
    select
        customer_id,
        case when count(*) = count(first_seen_at) then min(first_seen_at) end as first_seen_at,
        cast(count(*) as int) as source_record_count
    from links
    group by customer_id
),

attributes as (
    select
        links.customer_id,
        customer_records.country,
        customer_records.region,
        customer_records.city,
        customer_records.acquisition_channel
    from links
    inner join customer_records
        on
            links.record_kind = 'reference'
            and links.source_system = customer_records.source_system
            and links.reference = customer_records.customer_ref
)

select
    existence.customer_id,
    existence.first_seen_at,
    existence.source_record_count,
    attributes.country,
    attributes.region,
    attributes.city,
    attributes.acquisition_channel
from existence
left join attributes
    on existence.customer_id = attributes.customer_id
