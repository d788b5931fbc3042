{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Wholesale buyers of volume',
    'description': 'Wholesale traders in the United States on account who ordered at least 12 times in 365 days',
    'entity': 'account',
    'owner': 'sales@clientele.example',
    'objective': 'Agree on volumes and terms',
    'goal_kpi': 'purchase_frequency',
    'priority': 912,
    'minimum_size': 5,
    'review_by': '2027-06-30',
    'needs': ['accounts'],
    'examples': ['EX-34'],
}}) }}
{%- set country_code = 'US' -%}
{%- set payment_terms = ['net 30', 'net 60'] -%}
{%- set orders = 12 -%}

-- Once a month or more. For another country or other terms, copy the file.
select
    as_of,
    account_id
from {{ ref('account_profiles') }}
where
    industry_sector = 'wholesale trade'
    and country_code = '{{ country_code }}'
    and payment_terms in ({{ text_list(payment_terms) }})
    and order_count_365d >= {{ orders }}
