{%- set measures = ['frequency', 'average_order_value', 'value'] -%}

with

purchases as (
    select * from {{ ref('account_purchases') }}
),

hierarchy as (
    select * from {{ ref('account_hierarchy') }}
),

engagement as (
    select * from {{ ref('account_engagement') }}
),

usage as (
    select * from {{ ref('account_usage') }}
),

-- One row per instant: few enough to be sent to every task.
cuts as (
    select
        {%- for measure in measures %}
        max(scaled_cut) filter (where measure = '{{ measure }}' and cut_number = 1)
            as {{ measure }}_lower_cut,
        max(scaled_cut) filter (where measure = '{{ measure }}' and cut_number = 2)
            as {{ measure }}_upper_cut,
        {%- endfor %}
        as_of
    from {{ ref('account_level_cut_points') }}
    group by as_of
),

groups as (
    select
        purchases.as_of,
        hierarchy.top_account_id,
        cast(count(*) as int) as group_account_count,
        cast(sum(purchases.customer_count) as int) as group_customer_count,
        cast(sum(purchases.order_count_365d) as int) as group_order_count_365d,
        cast(sum(purchases.net_revenue_365d) as decimal(18, 4)) as group_net_revenue_365d,
        cast(sum(purchases.net_revenue_lifetime) as decimal(18, 4)) as group_net_revenue_lifetime
    from purchases
    inner join hierarchy
        on purchases.as_of = hierarchy.as_of and purchases.account_id = hierarchy.account_id
    group by purchases.as_of, hierarchy.top_account_id
)

select
    purchases.as_of,
    purchases.account_id,
    purchases.customer_count,
    purchases.active_customer_count,
    {%- for window in ['lifetime', '30d', '90d', '365d'] %}
    purchases.order_count_{{ window }},
    purchases.net_revenue_{{ window }},
    purchases.average_order_value_{{ window }},
    {%- endfor %}
    purchases.order_count_rfm_window,
    purchases.net_revenue_rfm_window,
    {{ ratio('purchases.order_count_365d', 'purchases.customer_count') }}
        as purchase_frequency_365d,
    purchases.days_since_first_order,
    purchases.days_since_last_order,
    purchases.first_order_at,
    purchases.last_order_at,
    {{ account_level(
        'purchases.order_count_365d', 'cuts.frequency', 'purchases.order_count_365d'
    ) }} as frequency_level,
    {{ account_level(
        'purchases.average_order_value_365d', 'cuts.average_order_value',
        'purchases.order_count_365d'
    ) }} as average_order_value_level,
    {{ account_level(
        'purchases.net_revenue_365d', 'cuts.value', 'purchases.order_count_365d'
    ) }} as value_level,
    engagement.session_count_90d,
    engagement.page_view_count_90d,
    engagement.delivered_message_count_90d,
    engagement.opened_message_count_90d,
    engagement.clicked_message_count_90d,
    engagement.ticket_count_90d,
    usage.usage_day_count_30d,
    usage.feature_count_90d,
    hierarchy.parent_account_id,
    hierarchy.top_account_id,
    hierarchy.hierarchy_level,
    hierarchy.has_circular_parent,
    groups.group_account_count,
    groups.group_customer_count,
    groups.group_order_count_365d,
    groups.group_net_revenue_365d,
    groups.group_net_revenue_lifetime
from purchases
inner join hierarchy
    on purchases.as_of = hierarchy.as_of and purchases.account_id = hierarchy.account_id
inner join groups
    on purchases.as_of = groups.as_of and hierarchy.top_account_id = groups.top_account_id
inner join engagement
    on purchases.as_of = engagement.as_of and purchases.account_id = engagement.account_id
inner join usage
    on purchases.as_of = usage.as_of and purchases.account_id = usage.account_id
left join cuts
    on purchases.as_of = cuts.as_of
