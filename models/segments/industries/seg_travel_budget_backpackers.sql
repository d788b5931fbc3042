{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Budget backpackers',
    'description': 'Said in a survey that they travel with a backpack',
    'owner': 'marketing@clientele.example',
    'objective': 'Offer hostels, passes and early fares',
    'goal_kpi': 'conversion_rate',
    'priority': 803,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['survey_responses'],
    'examples': ['EX-19'],
}}) }}
{%- set tag = 'lifestyle:backpacking' -%}

select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where {{ has_tag('psychographic_tags', tag) }}
