{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Recently viewed: gardening',
    'description': 'Viewed a product of the category gardening in the last 14 days',
    'owner': 'marketing@clientele.example',
    'objective': 'Write about the category they look at',
    'goal_kpi': 'click_through_rate',
    'priority': 215,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['web_events', 'products'],
    'examples': ['EX-17'],
}}) }}
{%- set category = 'gardening' -%}
{%- set days = 14 -%}

-- For another category or span, copy the file and change what stands above.
select distinct
    spine.as_of,
    view_days.customer_id
from {{ ref('fct_category_view_days') }} as view_days
inner join {{ ref('as_of_spine') }} as spine
    on
        view_days.last_occurred_at <= spine.as_of
        and {{ in_last_days('view_days.occurred_on', 'spine.as_of_on', days) }}
where lower(view_days.category) = '{{ category }}'
