with

features as (
    select * from {{ ref('customer_features') }}
),

scores as (
    select * from {{ ref('rfm_scores') }}
),

stages as (
    select * from {{ ref('customer_lifecycle') }}
),

customers as (
    select * from {{ ref('customers') }}
),

accounts as (
    select * from {{ ref('customer_accounts') }}
)

select
    features.as_of,
    features.customer_id,
    accounts.account_id,

    customers.country,
    customers.country_code,
    customers.region,
    customers.subdivision_code,
    customers.city,
    customers.acquisition_channel,
    customers.acquisition_campaign_id,

    stages.lifecycle_stage,
    scores.rfm_segment,
    scores.recency_score,
    scores.frequency_score,
    scores.monetary_score,
    scores.rfm_score,

    features.order_count_lifetime,
    features.order_day_count_lifetime,
    features.active_month_count,
    features.order_count_30d,
    features.order_count_90d,
    features.order_count_365d,
    features.net_revenue_lifetime,
    features.net_revenue_30d,
    features.net_revenue_90d,
    features.net_revenue_365d,
    features.average_order_value_lifetime,
    features.average_order_value_30d,
    features.average_order_value_90d,
    features.average_order_value_365d,
    features.order_net_amount_365d,
    features.discounted_net_amount_365d,

    features.median_days_between_orders,
    features.mean_days_between_orders,
    features.days_since_first_order,
    features.days_since_last_order,

    features.first_order_at,
    features.last_order_at,

    {% for column in feature_family_columns() -%}
    features.{{ column }},
    {% endfor -%}
    features.features_missing
from features
inner join stages
    on features.as_of = stages.as_of and features.customer_id = stages.customer_id
inner join customers
    on features.customer_id = customers.customer_id
left join scores
    on features.as_of = scores.as_of and features.customer_id = scores.customer_id
left join accounts
    on features.customer_id = accounts.customer_id
