{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Adventure seekers',
    'description': 'Said in a survey that they travel for adventure',
    'owner': 'marketing@clientele.example',
    'objective': 'Offer treks and expeditions',
    'goal_kpi': 'conversion_rate',
    'priority': 801,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['survey_responses'],
    'examples': ['EX-19'],
}}) }}
{%- set tag = 'lifestyle:adventure' -%}

select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where {{ has_tag('psychographic_tags', tag) }}
