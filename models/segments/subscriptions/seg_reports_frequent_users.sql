{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Frequent users of reports',
    'description': 'Used the feature reports on at least 8 of the last 30 days',
    'owner': 'product@clientele.example',
    'objective': 'Ask them what the feature lacks; give them the next one first',
    'goal_kpi': 'engagement_score',
    'priority': 605,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['product_usage'],
    'examples': ['EX-37'],
}}) }}
{%- set feature = 'reports' -%}
{%- set use_days = 8 -%}
{%- set days = 30 -%}

-- For another feature, copy the file.
select
    spine.as_of,
    uses.customer_id
from {{ ref('fct_product_usage') }} as uses
inner join {{ ref('as_of_spine') }} as spine
    on {{ in_last_days('uses.used_on', 'spine.as_of_on', days) }}
where lower(uses.feature) = '{{ feature }}'
group by spine.as_of, uses.customer_id
having count(*) >= {{ use_days }}
