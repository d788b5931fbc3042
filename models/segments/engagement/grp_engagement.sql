{{ config(enabled=segment_is_on(model.name), meta={'segment_group': {
    'exclusive_group': 'engagement',
    'variant': 'all',
    'defined_by': ['engagement_levels', 'engagement_weights'],
    'owner': 'marketing@clientele.example',
    'review_by': '2027-06-30',
}}) }}

-- Without a score, because no source of it is there, a customer is in none.
select
    as_of,
    customer_id,
    'engagement_' || engagement_level as segment_key
from {{ ref('customer_profiles') }}
where engagement_level is not null
