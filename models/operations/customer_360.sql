with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

settings as (
    select * from {{ source('run', 'settings') }}
),

profiles as (
    select * from {{ ref('customer_profiles') }}
),

customers as (
    select * from {{ ref('customers') }}
),

stages as (
    select * from {{ ref('lifecycle_stages') }}
),

records as (
    select
        customer_id,
        cast(count(*) as int) as source_record_count
    from {{ ref('customer_source_records') }}
    group by customer_id
),

stays as (
    select
        membership.customer_id,
        membership.segment_key,
        membership.is_primary,
        membership.segment_key || ' since ' || cast(
            {{ business_date('membership.entered_at', 'settings.business_time_zone') }} as string
        ) as stay
    from {{ ref('segment_membership') }} as membership
    cross join settings
),

segment_lists as (
    select
        customer_id,
        max(case when is_primary then segment_key end) as primary_segment_key,
        {{ joined_in_order('stay', 'segment_key') }} as segments
    from stays
    group by customer_id
),

last_orders as (
    select * from {{ ref('customer_recent_orders') }} where order_rank = 1
)

select
    profiles.customer_id,
    profiles.as_of,
    {% for column in [
        'account_id', 'country', 'country_code', 'region', 'city', 'acquisition_channel',
    ] -%}
    profiles.{{ column }},
    {% endfor -%}
    customers.first_seen_at,
    records.source_record_count,
    customers.is_over_merged,

    profiles.lifecycle_stage,
    stages.stage_since,
    segment_lists.primary_segment_key,
    segment_lists.segments,
    {% for column in [
        'rfm_segment', 'recency_score', 'frequency_score', 'monetary_score', 'rfm_score',
        'engagement_level', 'preferred_channel_90d',
        'order_count_lifetime', 'order_count_30d', 'order_count_90d', 'order_count_365d',
        'net_revenue_lifetime', 'net_revenue_30d', 'net_revenue_90d', 'net_revenue_365d',
        'average_order_value_lifetime', 'days_since_last_order', 'first_order_at', 'last_order_at',
    ] -%}
    profiles.{{ column }},
    {% endfor -%}
    last_orders.reporting_net_amount as last_order_net_amount,
    {% for column in [
        'last_sales_channel', 'last_product_name', 'last_product_category', 'top_category',
        'session_count_90d', 'last_web_event_at', 'open_cart_count',
        'delivered_message_count_90d', 'opened_message_count_90d', 'clicked_message_count_90d',
        'is_email_unsubscribed',
        'open_ticket_count', 'ticket_count_365d', 'last_ticket_opened_at', 'last_csat_score',
        'last_nps_score', 'nps_group',
        'subscription_stage', 'subscription_plan', 'subscribed_since', 'trial_ends_at',
        'monthly_recurring_amount',
        'may_market_email', 'may_market_sms', 'may_market_ads', 'may_market_post', 'may_analyse',
        'may_profile', 'may_sell',
    ] -%}
    profiles.{{ column }},
    {% endfor -%}
    profiles.features_missing
from profiles
inner join spine
    on profiles.as_of = spine.as_of
inner join customers
    on profiles.customer_id = customers.customer_id
left join stages
    on profiles.customer_id = stages.customer_id
left join records
    on profiles.customer_id = records.customer_id
left join segment_lists
    on profiles.customer_id = segment_lists.customer_id
left join last_orders
    on profiles.customer_id = last_orders.customer_id
