{%- set families = feature_families() -%}

with

orders as (
    select * from {{ ref('customer_order_features') }}
),

coverage as (
    select * from {{ ref('source_coverage') }}
)

select
    orders.as_of,
    orders.as_of_on,
    orders.customer_id,
    orders.order_count_lifetime,
    orders.order_day_count_lifetime,
    orders.active_month_count,
    orders.net_revenue_lifetime,
    orders.order_count_30d,
    orders.net_revenue_30d,
    orders.average_order_value_30d,
    orders.order_count_90d,
    orders.net_revenue_90d,
    orders.average_order_value_90d,
    orders.order_count_365d,
    orders.net_revenue_365d,
    orders.average_order_value_365d,
    orders.average_order_value_lifetime,
    orders.order_count_rfm_window,
    orders.net_revenue_rfm_window,
    orders.order_net_amount_365d,
    orders.discounted_net_amount_365d,
    orders.median_days_between_orders,
    orders.mean_days_between_orders,
    orders.days_since_first_order,
    orders.days_since_last_order,
    orders.first_order_at,
    orders.last_order_at,
    {%- for family in families %}
    {{ family_features(family, 'coverage') }},
    {%- endfor %}
    coverage.features_missing
from orders
inner join coverage
    on orders.as_of = coverage.as_of
{%- for family in families %}
left join {{ ref(family.model) }} as {{ family.model }}
    on
        orders.as_of = {{ family.model }}.as_of
        and orders.customer_id = {{ family.model }}.customer_id
{%- endfor %}
