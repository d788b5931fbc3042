{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Win back',
    'description': 'Five orders or more, the last 60 to 120 days ago',
    'owner': 'crm@clientele.example',
    'objective': 'Win back loyal customers before they churn',
    'goal_kpi': 'retention_rate',
    'priority': 20,
    'minimum_size': 20,
    'review_by': '2027-06-30',
}}) }}

select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where order_count_lifetime >= 5 and days_since_last_order between 60 and 120
