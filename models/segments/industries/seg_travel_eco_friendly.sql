{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Eco-friendly travellers',
    'description': 'Said in a survey that they travel with the environment in mind',
    'owner': 'marketing@clientele.example',
    'objective': 'Offer trains, and stays with a certificate',
    'goal_kpi': 'conversion_rate',
    'priority': 804,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['survey_responses'],
    'examples': ['EX-19'],
}}) }}
{%- set tag = 'lifestyle:eco_travel' -%}

select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where {{ has_tag('psychographic_tags', tag) }}
