{{ config(materialized='view') }}
{%- set windows = activity_windows() -%}

with

spine as (
    select * from {{ ref('as_of_spine') }}
),

present as (
    select * from {{ ref('present_customers') }}
),

purchases as (
    select * from {{ ref('customer_purchases') }}
),

order_days as (
    select * from {{ ref('fct_customer_order_days') }}
),

rhythm as (
    select
        spine.as_of,
        order_days.customer_id,
        min(order_days.ordered_on) as first_ordered_on,
        max(order_days.ordered_on) as last_ordered_on,
        cast(count(*) as int) as order_day_count_lifetime,
        cast(count(*) filter (where order_days.is_first_of_month) as int) as active_month_count,
        {{ exact_median('order_days.gap_days') }} as median_days_between_orders,
        cast(sum(order_days.gap_days) as bigint) as days_between_orders_sum
    from order_days
    cross join spine
    where order_days.first_ordered_at <= spine.as_of
    group by spine.as_of, order_days.customer_id
)

select
    present.as_of,
    present.as_of_on,
    present.customer_id,

    coalesce(purchases.order_count_lifetime, 0) as order_count_lifetime,
    coalesce(rhythm.order_day_count_lifetime, 0) as order_day_count_lifetime,
    coalesce(rhythm.active_month_count, 0) as active_month_count,
    coalesce(purchases.net_revenue_lifetime, 0) as net_revenue_lifetime,
    {%- for days in windows %}
    coalesce(purchases.order_count_{{ days }}d, 0) as order_count_{{ days }}d,
    coalesce(purchases.net_revenue_{{ days }}d, 0) as net_revenue_{{ days }}d,
    {{ average_order_value(
        'purchases.net_revenue_' ~ days ~ 'd', 'purchases.order_count_' ~ days ~ 'd'
    ) }} as average_order_value_{{ days }}d,
    {%- endfor %}
    {{ average_order_value('purchases.net_revenue_lifetime', 'purchases.order_count_lifetime') }}
        as average_order_value_lifetime,
    coalesce(purchases.order_count_rfm_window, 0) as order_count_rfm_window,
    coalesce(purchases.net_revenue_rfm_window, 0) as net_revenue_rfm_window,
    coalesce(purchases.order_net_amount_365d, 0) as order_net_amount_365d,
    coalesce(purchases.discounted_net_amount_365d, 0) as discounted_net_amount_365d,

    rhythm.median_days_between_orders,
    {{ amount_per('rhythm.days_between_orders_sum', 'rhythm.order_day_count_lifetime - 1') }}
        as mean_days_between_orders,
    {{ days_between('rhythm.first_ordered_on', 'present.as_of_on') }} as days_since_first_order,
    {{ days_between('rhythm.last_ordered_on', 'present.as_of_on') }} as days_since_last_order,

    purchases.first_order_at,
    purchases.last_order_at
from present
left join purchases
    on present.as_of = purchases.as_of and present.customer_id = purchases.customer_id
left join rhythm
    on present.as_of = rhythm.as_of and present.customer_id = rhythm.customer_id
