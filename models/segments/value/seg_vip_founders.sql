{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'First VIPs',
    'description': 'Who was a VIP when this list was first looked up: it holds, and nobody enters later',
    'owner': 'crm@clientele.example',
    'objective': 'Keep faith with those who were first: a fixed list beside the moving one',
    'goal_kpi': 'retention_rate',
    'priority': 11,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'frozen': true,
    'maximum_age_days': 365,
}}) }}

-- A frozen list: who was a VIP at the refresh that first had this segment.
select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where recency_score = 5 and frequency_score = 5 and monetary_score = 5
