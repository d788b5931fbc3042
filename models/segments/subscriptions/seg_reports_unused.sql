{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Reports not used for a while',
    'description': 'Used the feature reports once, not in the last 30 days, and still uses the product',
    'owner': 'product@clientele.example',
    'objective': 'Show a tip in the app, where they are',
    'goal_kpi': 'engagement_score',
    'priority': 606,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['product_usage'],
    'examples': ['EX-37'],
}}) }}
{%- set feature = 'reports' -%}
{%- set days = 30 -%}

-- Who does not use the product at all sees no tip in it. For another feature, copy the file.
select
    spine.as_of,
    uses.customer_id
from {{ ref('fct_product_usage') }} as uses
inner join {{ ref('as_of_spine') }} as spine
    on uses.used_on <= spine.as_of_on
group by spine.as_of, spine.as_of_on, uses.customer_id
having
    max(uses.used_on) > {{ add_days('spine.as_of_on', -1 * days) }}
    and max(uses.used_on) filter (where lower(uses.feature) = '{{ feature }}')
    <= {{ add_days('spine.as_of_on', -1 * days) }}
