with

links as (
    select * from {{ ref('customer_links') }}
),

customer_records as (
    select * from {{ ref('stg_customers') }}
),

placeholders as (
    select * from {{ ref('identifier_placeholders') }}
),

attributes as (
    select * from {{ ref('customer_attributes') }}
),

existence as (
    select
        customer_id,
        case when count(*) = count(first_seen_at) then min(first_seen_at) end as first_seen_at,
        cast(count(*) as int) as source_record_count,
        bool_or(is_over_merged) as is_over_merged
    from links
    group by customer_id
),

-- Names and addresses end here: what goes on is whether they are known.
known as (
    select
        links.customer_id,
        bool_or(
            customer_records.email is not null and addresses.identifier_value is null
        ) as has_email,
        bool_or(
            customer_records.phone_e164 is not null and numbers.identifier_value is null
        ) as has_phone,
        bool_or(customer_records.first_name is not null) as has_first_name,
        bool_or(customer_records.last_name is not null) as has_last_name
    from customer_records
    inner join links
        on {{ names_record('customer_records', 'links', has_email=false) }}
    left join placeholders as addresses
        on {{ is_placeholder_email('customer_records.email', 'addresses') }}
    left join placeholders as numbers
        on
            customer_records.phone_e164 = numbers.identifier_value
            and numbers.identifier_kind = 'phone'
    group by links.customer_id
)

select
    existence.customer_id,
    existence.first_seen_at,
    existence.source_record_count,
    existence.is_over_merged,
    coalesce(known.has_email, false) as has_email,
    coalesce(known.has_phone, false) as has_phone,
    coalesce(known.has_first_name, false) as has_first_name,
    coalesce(known.has_last_name, false) as has_last_name,
    attributes.birth_date,
    attributes.gender,
    attributes.income_band,
    attributes.education,
    attributes.occupation,
    attributes.household_size,
    attributes.has_children,
    attributes.country,
    attributes.country_code,
    attributes.region,
    attributes.subdivision_code,
    attributes.city,
    attributes.acquisition_channel,
    attributes.acquisition_campaign_id
from existence
left join known
    on existence.customer_id = known.customer_id
left join attributes
    on existence.customer_id = attributes.customer_id
