{%- set activity = choice_var('cohort_activity', ['orders', 'orders_and_refunds']) -%}

with

months as (
    select * from {{ ref('fct_customer_months') }}
),

first_activity as (
    select
        customer_id,
        {% if activity == 'orders' -%}
        min(first_order_at) as first_activity_at,
        {%- else -%}
        min(first_activity_at) as first_activity_at,
        {%- endif %}
        min(month_start) as cohort_month
    from months
    {% if activity == 'orders' -%}
    where order_count > 0
    {%- endif %}
    group by customer_id
)

{{ in_segments_when_first_observed('first_activity', 'first_activity_at', ['cohort_month']) }}
