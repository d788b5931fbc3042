{%- set windows = activity_windows() -%}
{%- set rfm_window_days = days_var('rfm_window_days') -%}

with

spine as (
    select * from {{ ref('as_of_spine') }}
),

revenue as (
    select * from {{ ref('fct_revenue') }}
)

select
    spine.as_of,
    revenue.customer_id,

    cast(sum(revenue.order_count) as int) as order_count_lifetime,
    cast(sum(revenue.net_revenue) as decimal(18, 4)) as net_revenue_lifetime,
    {%- for days in windows %}
    cast(sum(revenue.order_count) filter (
        where {{ in_last_days('revenue.occurred_on', 'spine.as_of_on', days) }}
    ) as int) as order_count_{{ days }}d,
    cast(sum(revenue.net_revenue) filter (
        where {{ in_last_days('revenue.occurred_on', 'spine.as_of_on', days) }}
    ) as decimal(18, 4)) as net_revenue_{{ days }}d,
    {%- endfor %}
    {%- if rfm_window_days is not none %}
    cast(sum(revenue.order_count) filter (
        where {{ in_last_days('revenue.occurred_on', 'spine.as_of_on', rfm_window_days) }}
    ) as int) as order_count_rfm_window,
    cast(sum(revenue.net_revenue) filter (
        where {{ in_last_days('revenue.occurred_on', 'spine.as_of_on', rfm_window_days) }}
    ) as decimal(18, 4)) as net_revenue_rfm_window,
    {%- else %}
    cast(sum(revenue.order_count) as int) as order_count_rfm_window,
    cast(sum(revenue.net_revenue) as decimal(18, 4)) as net_revenue_rfm_window,
    {%- endif %}
    cast(sum(revenue.order_net_amount) filter (
        where {{ in_last_days('revenue.occurred_on', 'spine.as_of_on', 365) }}
    ) as decimal(18, 4)) as order_net_amount_365d,
    cast(sum(revenue.discounted_net_amount) filter (
        where {{ in_last_days('revenue.occurred_on', 'spine.as_of_on', 365) }}
    ) as decimal(18, 4)) as discounted_net_amount_365d,

    min(revenue.occurred_at) filter (where revenue.order_count = 1) as first_order_at,
    max(revenue.occurred_at) filter (where revenue.order_count = 1) as last_order_at
from revenue
cross join spine
where revenue.customer_id is not null and revenue.occurred_at <= spine.as_of
group by spine.as_of, revenue.customer_id
