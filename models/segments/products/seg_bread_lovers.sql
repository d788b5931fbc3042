{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Bread lovers',
    'description': 'Half of what they spent is bread, with three orders or more',
    'owner': 'crm@clientele.example',
    'objective': 'A loaf card: the tenth is free',
    'goal_kpi': 'purchase_frequency',
    'priority': 408,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['order_lines', 'products'],
    'examples': ['EX-12'],
}}) }}
{%- set category = 'bread' -%}

-- For another category, copy the file.
select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where
    lower(top_category) = '{{ category }}'
    and top_category_share >= 0.5
    and order_count_lifetime >= 3
