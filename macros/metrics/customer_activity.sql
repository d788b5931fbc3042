{#- What customers do on a day, for KPIs, apart from orders: columns of customer_activity_days and
    customer_activity_periods. -#}

{#- Summed over days. -#}
{% macro activity_sums() -%}
    {{ return([
        'delivered_message_count', 'opened_message_count', 'clicked_message_count',
        'decided_cart_count', 'abandoned_cart_count',
        'session_count', 'page_count', 'seconds_on_site',
        'recommendation_count', 'net_recommendation_count', 'mention_count', 'sentiment_count', 'sentiment_millionths',
    ]) }}
{%- endmacro %}

{#- 1 for a customer who did it on any day of the period, else 0. -#}
{% macro activity_flags() -%}
    {{ return([
        'is_contacted', 'is_responding',
        'is_contacted_dormant', 'is_reactivated',
        'is_cross_sell_offered', 'is_cross_sold',
        'has_referred', 'has_started_trial', 'has_converted_trial',
    ]) }}
{%- endmacro %}

{#- All that customer_activity_periods says of a customer: numbers to be summed. -#}
{% macro activity_measures() -%}
    {{ return(activity_sums() + activity_flags() + ['is_visiting_prospect', 'is_converted_visitor']) }}
{%- endmacro %}

{#- One branch of the union: the given measures of a relation per customer and day, 0 for all others. -#}
{% macro activity_of(relation, day, given) -%}
    select
        customer_id,
        {{ day }} as occurred_on,
        {%- for name in activity_sums() %}
        cast({{ 'sum(' ~ given[name] ~ ')' if name in given else '0' }} as bigint) as {{ name }},
        {%- endfor %}
        {%- for name in activity_flags() %}
        {% if name in given -%}
        max(case when {{ given[name] }} then 1 else 0 end)
        {%- else -%}
        0
        {%- endif %} as {{ name }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from {{ relation }}
    group by customer_id, {{ day }}
{%- endmacro %}

{#- What customer_standings says of a customer at the end of a long period: numbers to be summed. -#}
{% macro standing_measures() -%}
    {{ return([
        'net_revenue_to_date', 'order_count_365d', 'net_revenue_365d', 'active_at_start_count', 'retained_count',
        'buyer_count_365d', 'repeat_buyer_count_365d', 'active_a_year_ago_count', 'churned_over_year_count',
        'may_be_lost_count', 'at_risk_count',
    ]) }}
{%- endmacro %}

{#- What lead_outcomes counts of a lead. -#}
{% macro lead_measures() -%}
    {{ return([
        'lead_count', 'converted_lead_count', 'nurtured_lead_count', 'converted_nurtured_lead_count',
    ]) }}
{%- endmacro %}
