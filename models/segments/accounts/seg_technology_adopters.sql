{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'First to take up technology',
    'description': 'Innovators and early adopters of technology',
    'entity': 'account',
    'owner': 'product@clientele.example',
    'objective': 'Let them try what is new',
    'goal_kpi': 'upgrade_rate',
    'priority': 913,
    'minimum_size': 5,
    'review_by': '2027-06-30',
    'needs': ['accounts'],
}}) }}

select
    as_of,
    account_id
from {{ ref('account_profiles') }}
where technology_adoption in ('innovator', 'early_adopter')
