{#- Entity, model, and the condition and date of its rows; NULL for what has no date of its own. -#}
{%- set entities = [
    ('campaigns', 'stg_campaigns', none, none),
    ('leads', 'fct_leads', 'created_at <= spine.as_of', 'created_on'),
    ('market_sizes', 'stg_market_sizes', 'period_start <= spine.as_of_on', 'period_start'),
    ('marketing_spend', 'fct_spend', 'spent_on <= spine.as_of_on', 'spent_on'),
    ('message_events', 'fct_message_events', 'occurred_at <= spine.as_of', 'occurred_on'),
    ('order_lines', 'fct_order_lines', 'ordered_at <= spine.as_of', 'ordered_on'),
    ('products', 'stg_products', none, none),
    ('subscriptions', 'fct_subscriptions', 'started_at <= spine.as_of', 'started_on'),
    ('web_events', 'fct_web_events', 'occurred_at <= spine.as_of', 'occurred_on'),
] -%}
{#- Of these only what names a customer is in the facts, which is all that a KPI could count. -#}
{%- set kinds = [
    ('referrals', 'referral'), ('social_mentions', 'mention'),
    ('support_tickets', 'ticket'), ('survey_responses', 'survey_answer'),
] -%}

with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
)

{% for entity, model, condition, day in entities -%}
select
    '{{ entity }}' as entity,
    count(counted.source_system) as row_count,
    {{ 'min(counted.' ~ day ~ ')' if day else 'cast(null as date)' }} as first_on
from {{ ref(model) }} as counted
{% if condition -%}
inner join spine
    on counted.{{ condition }}
{% endif -%}
union all
{% endfor -%}
{% for entity, kind in kinds -%}
select
    '{{ entity }}' as entity,
    count(*) as row_count,
    min(feedback.occurred_on) as first_on
from {{ ref('fct_feedback') }} as feedback
inner join spine
    on feedback.occurred_at <= spine.as_of
where feedback.kind = '{{ kind }}'
{%- if not loop.last %}
union all
{% endif %}
{%- endfor %}
