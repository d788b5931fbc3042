with

spine as (
    select * from {{ ref('as_of_spine') }}
),

lines as (
    select * from {{ ref('fct_order_lines') }} where customer_id is not null
),

thresholds as (
    select max(days_or_count) as affinity_minimum_orders
    from {{ ref('feature_thresholds') }}
    where threshold = 'affinity_minimum_orders'
),

kinds as (
    select
        'category' as kind,
        customer_id,
        category as kind_value,
        source_system,
        order_id,
        reporting_net_amount,
        ordered_at
    from lines
    where category is not null
    union all
    select
        'brand' as kind,
        customer_id,
        brand as kind_value,
        source_system,
        order_id,
        reporting_net_amount,
        ordered_at
    from lines
    where brand is not null
),

-- Order ids are unique within their source system only; several lines of an order are one order.
numbered_orders as (
    select
        customer_id,
        kind,
        ordered_at,
        row_number() over (
            partition by customer_id, kind
            order by
                ordered_at asc nulls last,
                source_system asc nulls last,
                order_id asc nulls last
        ) as order_number
    from (
        select distinct
            customer_id,
            kind,
            source_system,
            order_id,
            ordered_at
        from kinds
    ) as orders_of_kind
),

evident as (
    select
        numbered_orders.customer_id,
        numbered_orders.kind,
        numbered_orders.ordered_at as evident_at
    from numbered_orders
    inner join thresholds on numbered_orders.order_number = thresholds.affinity_minimum_orders
),

spend as (
    select
        spine.as_of,
        kinds.customer_id,
        kinds.kind,
        kinds.kind_value,
        cast(sum(kinds.reporting_net_amount) as decimal(18, 4)) as net_amount
    from kinds
    inner join spine on kinds.ordered_at <= spine.as_of
    group by spine.as_of, kinds.customer_id, kinds.kind, kinds.kind_value
)

select
    spend.as_of,
    spend.customer_id,
    spend.kind,
    spend.kind_value as top_value,
    spend.net_amount as top_net_amount
from spend
inner join evident
    on
        spend.customer_id = evident.customer_id
        and spend.kind = evident.kind
        and spend.as_of >= evident.evident_at
where spend.net_amount > 0
qualify
    row_number() over (
        partition by spend.as_of, spend.customer_id, spend.kind
        order by spend.net_amount desc nulls last, spend.kind_value asc nulls last
    ) = 1
