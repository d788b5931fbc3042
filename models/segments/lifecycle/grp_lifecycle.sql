{{ config(enabled=segment_is_on(model.name), meta={'segment_group': {
    'exclusive_group': 'lifecycle',
    'variant': 'all',
    'defined_by': ['lifecycle_thresholds'],
    'owner': 'crm@clientele.example',
    'review_by': '2027-06-30',
}}) }}

select
    as_of,
    customer_id,
    'lifecycle_' || lifecycle_stage as segment_key
from {{ ref('customer_profiles') }}
