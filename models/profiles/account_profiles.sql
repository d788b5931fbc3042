with

features as (
    select * from {{ ref('account_features') }}
),

attributes as (
    select * from {{ ref('account_attributes') }}
),

scores as (
    select * from {{ ref('account_rfm_scores') }}
)

select
    features.as_of,
    features.account_id,
    attributes.source_system,
    attributes.account_ref,
    features.parent_account_id,
    features.top_account_id,
    features.hierarchy_level,
    features.has_circular_parent,
    attributes.employees,
    attributes.size_band,
    attributes.is_startup,
    attributes.industry_sector,
    attributes.industry_type,
    attributes.industry_scheme,
    attributes.industry_code,
    attributes.founded_year,
    attributes.years_in_operation,
    attributes.operation_band,
    attributes.country,
    attributes.country_code,
    attributes.region,
    attributes.subdivision_code,
    attributes.annual_revenue,
    attributes.revenue_band,
    attributes.market_cap,
    attributes.organisation_structure,
    attributes.technology_adoption,
    attributes.business_model,
    attributes.payment_terms,
    attributes.technologies,
    attributes.technology_count,
    features.customer_count,
    features.active_customer_count,
    features.order_count_lifetime,
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
    features.purchase_frequency_365d,
    features.frequency_level,
    features.average_order_value_level,
    features.value_level,
    scores.rfm_segment,
    scores.recency_score,
    scores.frequency_score,
    scores.monetary_score,
    scores.rfm_score,
    features.days_since_first_order,
    features.days_since_last_order,
    features.session_count_90d,
    features.page_view_count_90d,
    features.delivered_message_count_90d,
    features.opened_message_count_90d,
    features.clicked_message_count_90d,
    features.ticket_count_90d,
    features.usage_day_count_30d,
    features.feature_count_90d,
    features.group_account_count,
    features.group_customer_count,
    features.group_order_count_365d,
    features.group_net_revenue_365d,
    features.group_net_revenue_lifetime,
    features.first_order_at,
    features.last_order_at
from features
inner join attributes
    on features.as_of = attributes.as_of and features.account_id = attributes.account_id
left join scores
    on features.as_of = scores.as_of and features.account_id = scores.account_id
