{%- set attributes = [
    'has_email', 'has_phone', 'has_first_name', 'has_last_name', 'birth_date is not null',
    'gender is not null', 'country is not null', 'city is not null', 'acquisition_channel is not null',
] -%}

with

present as (
    select * from {{ ref('present_customers') }}
),

customers as (
    select * from {{ ref('customers') }}
),

settings as (
    select * from {{ source('run', 'settings') }}
),

purchases as (
    select * from {{ ref('customer_purchases') }}
),

coverage as (
    select * from {{ ref('source_coverage') }}
),

occasion_orders as (
    select * from {{ ref('customer_occasion_orders') }}
),

referrals as (
    select * from {{ ref('customer_referrals') }}
),

age_bands as (
    select * from {{ ref('age_bands') }}
),

genders as (
    select * from {{ ref('gender_spellings') }}
),

-- A birth after the day of as_of is an error that only as_of can tell.
dated as (
    select
        present.as_of,
        present.as_of_on,
        present.customer_id,
        nullif(lower(trim(customers.gender)), '') as gender,
        nullif(lower(trim(customers.income_band)), '') as income_band,
        nullif(lower(trim(customers.education)), '') as education,
        nullif(lower(trim(customers.occupation)), '') as occupation,
        customers.household_size,
        customers.has_children,
        {%- for attribute in attributes %}
        case when customers.{{ attribute }} then 1 else 0 end{% if not loop.last %} +{% endif %}
        {%- endfor %} as known_count,
        case when customers.birth_date <= present.as_of_on then customers.birth_date end as born_on,
        {{ business_date('purchases.first_order_at', 'settings.business_time_zone') }}
            as first_ordered_on
    from present
    inner join customers on present.customer_id = customers.customer_id
    cross join settings
    left join purchases
        on present.as_of = purchases.as_of and present.customer_id = purchases.customer_id
),

aged as (
    select
        *,
        cast({{ whole_years('born_on', 'as_of_on') }} as int) as age
    from dated
)

select
    aged.as_of,
    aged.customer_id,
    aged.age,
    age_bands.age_band,
    case when aged.gender is not null then coalesce(genders.gender, 'other') end as gender,
    aged.income_band,
    aged.education,
    aged.occupation,
    aged.household_size,
    aged.has_children,
    {{ days_until_anniversary('aged.born_on', 'aged.as_of_on') }} as days_until_birthday,
    {{ days_until_anniversary('aged.first_ordered_on', 'aged.as_of_on') }}
        as days_until_anniversary,
    coalesce(occasion_orders.occasion_order_count, 0) as occasion_order_count,
    case
        when coverage.has_referrals then coalesce(referrals.referral_count, 0)
    end as referral_count,
    case
        when coverage.has_referrals then coalesce(referrals.was_referred, false)
    end as was_referred,
    {{ ratio('aged.known_count', attributes | length) }} as profile_completeness
from aged
inner join coverage on aged.as_of = coverage.as_of
left join age_bands
    on
        aged.age >= age_bands.from_age
        and (age_bands.below_age is null or aged.age < age_bands.below_age)
left join genders on aged.gender = genders.spelling
left join occasion_orders
    on aged.as_of = occasion_orders.as_of and aged.customer_id = occasion_orders.customer_id
left join referrals
    on aged.as_of = referrals.as_of and aged.customer_id = referrals.customer_id
