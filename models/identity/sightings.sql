{#- Inputs whose rows name people, with the column that tells when. -#}
{%- set by_reference = {
    'stg_social_mentions': 'occurred_at',
    'stg_subscriptions': 'started_at',
    'stg_experiment_assignments': 'assigned_at',
} -%}
{%- set by_email_too = {
    'stg_message_events': 'occurred_at',
    'stg_leads': 'created_at',
    'stg_support_tickets': 'opened_at',
    'stg_survey_responses': 'responded_at',
    'stg_consents': 'changed_at',
    'stg_business_events': 'occurred_at',
    'identified_web_events': 'occurred_at',
} -%}

with

settings as (
    select * from {{ source('run', 'settings') }}
),

placeholders as (
    select * from {{ ref('identifier_placeholders') }}
),

named as (
    select
        source_system,
        customer_ref,
        email,
        phone_e164 as phone,
        created_at as seen_at
    from {{ ref('stg_customers') }}
    union all
    select
        source_system,
        customer_ref,
        email,
        phone,
        ordered_at as seen_at
    from {{ ref('order_sightings') }}
    {%- for model, seen_at in by_email_too.items() %}
    union all
    select
        source_system,
        customer_ref,
        email,
        cast(null as string) as phone,
        {{ seen_at }} as seen_at
    from {{ ref(model) }}
    where customer_ref is not null or email is not null
    {%- endfor %}
    {%- for model, seen_at in by_reference.items() %}
    union all
    select
        source_system,
        customer_ref,
        cast(null as string) as email,
        cast(null as string) as phone,
        {{ seen_at }} as seen_at
    from {{ ref(model) }}
    where customer_ref is not null
    {%- endfor %}
    {%- for reference in ['referrer_ref', 'referred_ref'] %}
    union all
    select
        source_system,
        {{ reference }} as customer_ref,
        cast(null as string) as email,
        cast(null as string) as phone,
        referred_at as seen_at
    from {{ ref('stg_referrals') }}
    {%- endfor %}
    union all
    select
        product_usage.source_system,
        product_usage.customer_ref,
        cast(null as string) as email,
        cast(null as string) as phone,
        {{ first_instant('product_usage.used_on', 'settings.business_time_zone') }} as seen_at
    from {{ ref('stg_product_usage') }} as product_usage
    cross join settings
    where product_usage.customer_ref is not null
),

-- Few combinations of names come in many rows, so placeholders are looked up after this.
combinations as (
    select
        source_system,
        customer_ref,
        email,
        phone,
        -- Only a customer record can be undated: it has always been there.
        case when count(*) = count(seen_at) then min(seen_at) end as first_seen_at
    from named
    group by source_system, customer_ref, email, phone
)

select
    combinations.source_system,
    combinations.customer_ref,
    case
        when addresses.identifier_value is null then combinations.email
    end as email,
    case when numbers.identifier_value is null then combinations.phone end as phone,
    combinations.first_seen_at
from combinations
left join placeholders as addresses
    on {{ is_placeholder_email('combinations.email', 'addresses') }}
left join placeholders as numbers
    on combinations.phone = numbers.identifier_value and numbers.identifier_kind = 'phone'
