{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Viewed and did not buy',
    'description': 'Viewed a category in the last 14 days and bought nothing of it in the last 90',
    'owner': 'marketing@clientele.example',
    'objective': 'Retarget with what they looked at',
    'goal_kpi': 'conversion_rate',
    'priority': 26,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['web_events', 'products', 'order_lines'],
    'examples': ['EX-16'],
}}) }}
{%- set viewed_days = 14 -%}
{%- set bought_days = 90 -%}

with

spine as (
    select * from {{ ref('as_of_spine') }}
),

views as (
    select
        spine.as_of,
        view_days.customer_id,
        view_days.category
    from {{ ref('fct_category_view_days') }} as view_days
    inner join spine
        on
            view_days.last_occurred_at <= spine.as_of
            and {{ in_last_days('view_days.occurred_on', 'spine.as_of_on', viewed_days) }}
),

purchases as (
    select
        spine.as_of,
        order_lines.customer_id,
        order_lines.category
    from {{ ref('fct_order_lines') }} as order_lines
    inner join spine
        on
            order_lines.ordered_at <= spine.as_of
            and {{ in_last_days('order_lines.ordered_on', 'spine.as_of_on', bought_days) }}
)

select distinct
    views.as_of,
    views.customer_id
from views
left join purchases
    on
        views.as_of = purchases.as_of
        and views.customer_id = purchases.customer_id
        and views.category = purchases.category
where purchases.customer_id is null
