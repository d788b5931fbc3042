{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Bird owners',
    'description': 'Bought something for a bird in the last 365 days; who buys for two kinds of pets is in both',
    'owner': 'crm@clientele.example',
    'objective': 'Send what suits the pet',
    'goal_kpi': 'cross_sell_rate',
    'priority': 404,
    'minimum_size': 20,
    'review_by': '2027-06-30',
    'needs': ['order_lines', 'products'],
    'examples': ['EX-09'],
}}) }}
{%- set pet = 'bird' -%}
{%- set days = 365 -%}

-- The category has the word, as in "Dog food"; "Dogma" has it not. For another pet, copy the file.
select distinct
    spine.as_of,
    order_lines.customer_id
from {{ ref('fct_order_lines') }} as order_lines
inner join {{ ref('as_of_spine') }} as spine
    on
        order_lines.ordered_at <= spine.as_of
        and {{ in_last_days('order_lines.ordered_on', 'spine.as_of_on', days) }}
where order_lines.customer_id is not null and {{ has_word('order_lines.category', pet) }}
