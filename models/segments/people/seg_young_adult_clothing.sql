{{ config(enabled=segment_is_on(model.name), meta={'segment': {
    'name': 'Young adults who buy clothing',
    'description': 'From 18 to 34 years, with clothing bought in the last 365 days',
    'owner': 'marketing@clientele.example',
    'objective': 'Show the cut and the price that this age buys',
    'goal_kpi': 'average_order_value',
    'priority': 703,
    'minimum_size': 20,
    'sensitive_reason': 'A collection cut for young adults; the age is what they gave themselves, and the shop shows it to all',
    'review_by': '2027-06-30',
    'needs': ['order_lines', 'products'],
    'examples': ['EX-34'],
}}) }}
{%- set category = 'clothing' -%}
{%- set days = 365 -%}

-- For another age group, copy the file.
select distinct
    profiles.as_of,
    profiles.customer_id
from {{ ref('fct_order_lines') }} as order_lines
inner join {{ ref('as_of_spine') }} as spine
    on
        order_lines.ordered_at <= spine.as_of
        and {{ in_last_days('order_lines.ordered_on', 'spine.as_of_on', days) }}
inner join {{ ref('customer_profiles') }} as profiles
    on spine.as_of = profiles.as_of and order_lines.customer_id = profiles.customer_id
where
    profiles.age_band in ('18_24', '25_34')
    and {{ has_word('order_lines.category', category) }}
