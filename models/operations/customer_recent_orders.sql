with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

orders as (
    select * from {{ ref('fct_orders') }}
),

order_lines as (
    select * from {{ ref('fct_order_lines') }}
),

refunds as (
    select * from {{ ref('fct_refunds') }}
),

-- What an order is called decides between orders of one instant, so that a refresh is repeatable.
ranked as (
    select
        orders.customer_id,
        row_number() over (
            partition by orders.customer_id
            order by
                orders.ordered_at desc nulls last,
                orders.order_id asc nulls last,
                orders.source_system asc nulls last
        ) as order_rank,
        orders.ordered_at,
        orders.source_system,
        orders.order_id,
        orders.reporting_net_amount,
        orders.sales_channel,
        spine.as_of
    from orders
    inner join spine on orders.ordered_at <= spine.as_of
    where orders.is_counting and orders.customer_id is not null
),

recent as (
    select * from ranked where order_rank <= {{ var('recent_order_count') }}
),

refunded as (
    select
        recent.source_system,
        recent.order_id,
        sum(refunds.reporting_amount) as reporting_refunded_amount
    from recent
    inner join refunds
        on
            recent.source_system = refunds.source_system
            and recent.order_id = refunds.order_id
            and recent.as_of >= refunds.refunded_at
    where refunds.is_counting
    group by recent.source_system, recent.order_id
),

order_categories as (
    select distinct
        recent.source_system,
        recent.order_id,
        order_lines.category
    from recent
    inner join order_lines
        on
            recent.source_system = order_lines.source_system
            and recent.order_id = order_lines.order_id
    where order_lines.category is not null
),

category_lists as (
    select
        source_system,
        order_id,
        {{ joined_in_order('category', 'category') }} as categories
    from order_categories
    group by source_system, order_id
)

select
    recent.customer_id,
    cast(recent.order_rank as int) as order_rank,
    recent.ordered_at,
    recent.source_system,
    recent.order_id,
    cast(recent.reporting_net_amount as decimal(18, 4)) as reporting_net_amount,
    cast(coalesce(refunded.reporting_refunded_amount, 0) as decimal(18, 4))
        as reporting_refunded_amount,
    recent.sales_channel,
    category_lists.categories
from recent
left join refunded
    on recent.source_system = refunded.source_system and recent.order_id = refunded.order_id
left join category_lists
    on
        recent.source_system = category_lists.source_system
        and recent.order_id = category_lists.order_id
