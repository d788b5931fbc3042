{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Interested in sustainable products',
    'description': 'Said so in a survey, or bought of a sustainable category in the last 365 days',
    'owner': 'marketing@clientele.example',
    'objective': 'Tell them first of a sustainable line; count them before it is made',
    'goal_kpi': 'cross_sell_rate',
    'priority': 705,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['survey_responses', 'order_lines', 'products'],
    'examples': ['EX-39'],
}}) }}
{%- set tag = 'value:sustainability' -%}
{%- set word = 'sustainable' -%}
{%- set days = 365 -%}

-- Words or deeds: few answer surveys, and not all who care buy yet.
select
    as_of,
    customer_id
from {{ ref('customer_profiles') }}
where {{ has_tag('psychographic_tags', tag) }}
union distinct
select
    spine.as_of,
    order_lines.customer_id
from {{ ref('fct_order_lines') }} as order_lines
inner join {{ ref('as_of_spine') }} as spine
    on
        order_lines.ordered_at <= spine.as_of
        and {{ in_last_days('order_lines.ordered_on', 'spine.as_of_on', days) }}
where order_lines.customer_id is not null and {{ has_word('order_lines.category', word) }}
