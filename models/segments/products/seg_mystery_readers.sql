{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Mystery readers',
    'description': 'Half of what they spent is of the genre mystery, with three orders or more',
    'owner': 'marketing@clientele.example',
    'objective': 'Announce new releases of the genre',
    'goal_kpi': 'click_through_rate',
    'priority': 410,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['order_lines', 'products'],
    'examples': ['EX-13'],
}}) }}
{%- set category = 'mystery' -%}

-- For another genre, copy the file.
select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where
    lower(top_category) = '{{ category }}'
    and top_category_share >= 0.5
    and order_count_lifetime >= 3
