{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Large financial enterprises of high value',
    'description': 'Large enterprises in financial services with high value and high frequency',
    'entity': 'account',
    'owner': 'sales@clientele.example',
    'objective': 'Keep them in person',
    'goal_kpi': 'retention_rate',
    'priority': 911,
    'minimum_size': 1,
    'review_by': '2027-06-30',
    'needs': ['accounts'],
    'examples': ['EX-32'],
}}) }}

select
    as_of,
    account_id
from {{ ref('account_profiles') }}
where
    size_band = 'large'
    and industry_sector = 'financial services'
    and value_level = 'high'
    and frequency_level = 'high'
