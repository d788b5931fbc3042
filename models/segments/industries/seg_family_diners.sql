{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Families who dine',
    'description': 'With children, from 25 to 44 years, and a table reserved for a day of the last 365',
    'owner': 'marketing@clientele.example',
    'objective': 'Make dinner with children easy',
    'goal_kpi': 'purchase_frequency',
    'priority': 810,
    'minimum_size': 20,
    'sensitive_reason': 'The family dinner is made for households with children, who told us of them themselves; nobody is refused it',
    'review_by': '2027-06-30',
    'needs': ['business_events'],
    'examples': ['EX-06'],
}}) }}
{%- set days = 365 -%}

-- With visits, because age and household alone are a stereotype.
select distinct
    profiles.as_of,
    profiles.customer_id
from {{ ref('fct_business_events') }} as visits
inner join {{ ref('as_of_spine') }} as spine
    on
        visits.starts_at <= spine.as_of
        and {{ in_last_days('visits.starts_on', 'spine.as_of_on', days) }}
inner join {{ ref('customer_profiles') }} as profiles
    on spine.as_of = profiles.as_of and visits.customer_id = profiles.customer_id
where
    visits.event_name = 'table_reserved'
    and profiles.age_band in ('25_34', '35_44')
    and profiles.has_children
