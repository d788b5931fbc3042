{%- set history_days = days_var('experiment_history_days') -%}

-- What every assigned customer did in its window and before it, contacted or not.
with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

coverage as (
    select
        as_of,
        has_message_events
    from {{ ref('source_coverage') }}
),

customers as (
    select * from {{ ref('experiment_customers') }}
),

revenue as (
    select revenue.*
    from {{ ref('fct_revenue') }} as revenue
    inner join spine
        on revenue.occurred_at <= spine.as_of
),

messages as (
    select messages.*
    from {{ ref('fct_message_events') }} as messages
    inner join spine
        on messages.occurred_at <= spine.as_of
    where messages.event_name <> 'bounced'
),

bought as (
    select
        customers.source_system,
        customers.experiment_id,
        customers.customer_id,
        sum(revenue.net_revenue) filter (
            where
            revenue.occurred_at >= customers.assigned_at
            and revenue.occurred_on <= customers.window_ends_on
        ) as net_revenue,
        sum(revenue.order_count) filter (
            where
            revenue.occurred_at >= customers.assigned_at
            and revenue.occurred_on <= customers.window_ends_on
        ) as order_count,
        sum(revenue.order_net_amount) filter (
            where
            revenue.occurred_at >= customers.assigned_at
            and revenue.occurred_on <= customers.window_ends_on
        ) as order_amount,
        sum(revenue.net_revenue) filter (
            where
            revenue.occurred_at < customers.assigned_at
            and {{ in_last_days('revenue.occurred_on', 'customers.assigned_on', history_days) }}
        ) as net_revenue_before
    from customers
    inner join revenue
        on customers.customer_id = revenue.customer_id
    group by customers.source_system, customers.experiment_id, customers.customer_id
),

contacted as (
    select distinct
        customers.source_system,
        customers.experiment_id,
        customers.customer_id
    from customers
    inner join messages
        on
            customers.customer_id = messages.customer_id
            and customers.source_system = messages.source_system
            and customers.campaign_id = messages.campaign_id
            and customers.assigned_on <= messages.occurred_on
            and customers.window_ends_on >= messages.occurred_on
)

select
    customers.source_system,
    customers.experiment_id,
    customers.customer_id,
    customers.arm,
    customers.campaign_id,
    customers.channel,
    customers.segment_key,
    customers.record_count,
    customers.assigned_at,
    customers.assigned_on,
    customers.window_ends_on,
    customers.is_window_closed,
    customers.exclusion,
    customers.was_unknown,
    -- Without a campaign, or without messages at all, nobody knows who was contacted.
    case
        when customers.campaign_id is not null and coverage.has_message_events
            then contacted.customer_id is not null
    end as was_contacted,
    cast(coalesce(bought.net_revenue, 0) as decimal(18, 4)) as net_revenue,
    cast(coalesce(bought.order_count, 0) as int) as order_count,
    cast(coalesce(bought.order_amount, 0) as decimal(18, 4)) as order_amount,
    cast(coalesce(bought.net_revenue_before, 0) as decimal(18, 4)) as net_revenue_before
from customers
cross join spine
inner join coverage
    on spine.as_of = coverage.as_of
left join bought
    on
        customers.source_system = bought.source_system
        and customers.experiment_id = bought.experiment_id
        and customers.customer_id = bought.customer_id
left join contacted
    on
        customers.source_system = contacted.source_system
        and customers.experiment_id = contacted.experiment_id
        and customers.customer_id = contacted.customer_id
