{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Bought a dog bed, no dog toys yet',
    'description': 'Bought of the category dog beds in the last 30 days and never of dog toys',
    'owner': 'marketing@clientele.example',
    'objective': 'Suggest the complement while the purchase is fresh',
    'goal_kpi': 'cross_sell_rate',
    'priority': 407,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['order_lines', 'products'],
    'examples': ['EX-11'],
}}) }}
{%- set bought = 'dog beds' -%}
{%- set complement = 'dog toys' -%}
{%- set days = 30 -%}

-- Never means up to as_of. For another pair, copy the file.
select
    spine.as_of,
    order_lines.customer_id
from {{ ref('fct_order_lines') }} as order_lines
inner join {{ ref('as_of_spine') }} as spine
    on order_lines.ordered_at <= spine.as_of
where order_lines.customer_id is not null
group by spine.as_of, order_lines.customer_id
having
    bool_or(
        lower(order_lines.category) = '{{ bought }}'
        and {{ in_last_days('order_lines.ordered_on', 'spine.as_of_on', days) }}
    )
    and count(*) filter (where lower(order_lines.category) = '{{ complement }}') = 0
