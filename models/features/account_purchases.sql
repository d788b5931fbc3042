{%- set windows = ['lifetime', '30d', '90d', '365d', 'rfm_window'] -%}

with

attributes as (
    select * from {{ ref('account_attributes') }}
),

contacts as (
    select * from {{ ref('customer_accounts') }}
),

features as (
    select * from {{ ref('customer_features') }}
),

sums as (
    select
        features.as_of,
        contacts.account_id,
        cast(count(*) as int) as customer_count,
        cast(count(*) filter (where features.order_count_365d > 0) as int)
            as active_customer_count,
        {%- for window in windows %}
        cast(sum(features.order_count_{{ window }}) as int) as order_count_{{ window }},
        cast(sum(features.net_revenue_{{ window }}) as decimal(18, 4))
            as net_revenue_{{ window }},
        {%- endfor %}
        cast(max(features.days_since_first_order) as int) as days_since_first_order,
        cast(min(features.days_since_last_order) as int) as days_since_last_order,
        min(features.first_order_at) as first_order_at,
        max(features.last_order_at) as last_order_at
    from features
    inner join contacts
        on features.customer_id = contacts.customer_id
    group by features.as_of, contacts.account_id
)

select
    attributes.as_of,
    attributes.account_id,
    coalesce(sums.customer_count, 0) as customer_count,
    coalesce(sums.active_customer_count, 0) as active_customer_count,
    {%- for window in windows %}
    coalesce(sums.order_count_{{ window }}, 0) as order_count_{{ window }},
    coalesce(sums.net_revenue_{{ window }}, 0) as net_revenue_{{ window }},
    {%- if window != 'rfm_window' %}
    {{ average_order_value('sums.net_revenue_' ~ window, 'sums.order_count_' ~ window) }}
        as average_order_value_{{ window }},
    {%- endif %}
    {%- endfor %}
    sums.days_since_first_order,
    sums.days_since_last_order,
    sums.first_order_at,
    sums.last_order_at
from attributes
left join sums
    on attributes.as_of = sums.as_of and attributes.account_id = sums.account_id
