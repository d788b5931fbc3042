{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Buyers of celebration cakes',
    'description': 'Bought a celebration cake in the last 365 days',
    'owner': 'marketing@clientele.example',
    'objective': 'Remind them before the same day next year',
    'goal_kpi': 'repeat_purchase_rate',
    'priority': 409,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['order_lines', 'products'],
    'examples': ['EX-12'],
}}) }}
{%- set category = 'celebration cakes' -%}
{%- set days = 365 -%}

-- One is enough: nobody celebrates three times to become a fan.
select distinct
    spine.as_of,
    order_lines.customer_id
from {{ ref('fct_order_lines') }} as order_lines
inner join {{ ref('as_of_spine') }} as spine
    on
        order_lines.ordered_at <= spine.as_of
        and {{ in_last_days('order_lines.ordered_on', 'spine.as_of_on', days) }}
where order_lines.customer_id is not null and lower(order_lines.category) = '{{ category }}'
