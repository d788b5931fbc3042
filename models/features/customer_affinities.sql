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

-- Order ids are unique within their source system only; an order may hold several values.
order_counts as (
    select
        as_of,
        customer_id,
        kind,
        count(*) as order_count
    from (
        select distinct
            spine.as_of,
            kinds.customer_id,
            kinds.kind,
            kinds.source_system,
            kinds.order_id
        from kinds
        inner join spine on kinds.ordered_at <= spine.as_of
    ) as orders_of_kind
    group by as_of, customer_id, kind
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
inner join order_counts
    on
        spend.as_of = order_counts.as_of
        and spend.customer_id = order_counts.customer_id
        and spend.kind = order_counts.kind
inner join thresholds on order_counts.order_count >= thresholds.affinity_minimum_orders
where spend.net_amount > 0
qualify
    row_number() over (
        partition by spend.as_of, spend.customer_id, spend.kind
        order by spend.net_amount desc nulls last, spend.kind_value asc nulls last
    ) = 1
