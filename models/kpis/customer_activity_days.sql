with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

contacts as (
    select * from {{ ref('customer_contacts') }} where contacted_on is not null
),

deliveries as (
    select * from {{ ref('customer_contacts') }} where delivered_on is not null
),

reactions as (
    select * from {{ ref('contact_reactions') }}
),

carts as (
    select * from {{ ref('customer_carts_decided') }}
),

web_days as (
    select web_days.*
    from {{ ref('fct_web_days') }} as web_days
    inner join spine
        on web_days.last_occurred_at <= spine.as_of
),

feedback as (
    select feedback.*
    from {{ ref('fct_feedback') }} as feedback
    inner join spine
        on feedback.occurred_at <= spine.as_of
),

subscriptions as (
    select subscriptions.*
    from {{ ref('fct_subscriptions') }} as subscriptions
    inner join spine
        on subscriptions.started_at <= spine.as_of
    where subscriptions.customer_id is not null
),

paid_since as (
    select
        customer_id,
        max(started_at) as last_paid_at
    from subscriptions
    where status in ('active', 'paused')
    group by customer_id
),

trials as (
    select
        subscriptions.customer_id,
        subscriptions.started_on,
        coalesce(paid_since.last_paid_at >= subscriptions.started_at, false) as is_converted
    from subscriptions
    left join paid_since
        on subscriptions.customer_id = paid_since.customer_id
    where subscriptions.status = 'trial'
)

-- One row per source, customer and day: a period adds them up, whatever they come from.
{{ activity_of('contacts', 'contacted_on', {
    'is_contacted': 'true', 'is_responding': 'is_responded',
}) }}
union all
{{ activity_of('deliveries', 'delivered_on', {
    'delivered_message_count': '1',
    'opened_message_count': 'case when is_opened then 1 else 0 end',
    'clicked_message_count': 'case when is_clicked then 1 else 0 end',
}) }}
union all
{{ activity_of('reactions', 'contacted_on', {
    'is_contacted_dormant': 'was_dormant', 'is_reactivated': 'was_dormant and is_followed_by_order',
    'is_cross_sell_offered': 'is_cross_sell_offer',
    'is_cross_sold': 'is_cross_sell_offer and is_followed_by_new_category',
}) }}
union all
{{ activity_of('carts', 'started_on', {
    'decided_cart_count': '1', 'abandoned_cart_count': 'case when is_abandoned then 1 else 0 end',
}) }}
union all
{{ activity_of('web_days', 'occurred_on', {
    'session_count': 'session_count', 'page_count': 'page_view_count + product_view_count',
    'seconds_on_site': 'seconds_on_site',
}) }}
union all
{{ activity_of('feedback', 'occurred_on', {
    'recommendation_count': 'case when recommendation is not null then 1 else 0 end',
    'net_recommendation_count': 'coalesce(recommendation, 0)',
    'mention_count': "case when kind = 'mention' then 1 else 0 end",
    'sentiment_count': 'case when sentiment_millionths is not null then 1 else 0 end',
    'sentiment_millionths': 'coalesce(sentiment_millionths, 0)',
    'has_referred': "kind = 'referral'",
}) }}
union all
{{ activity_of('trials', 'started_on', {
    'has_started_trial': 'true', 'has_converted_trial': 'is_converted',
}) }}
