-- In every model the orders are the counting orders, the revenue is theirs, the spend the ledger's:
-- nothing is won by choosing a model.
with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

orders as (
    select
        cast(count(*) as decimal(18, 6)) as order_count,
        coalesce(sum(orders.reporting_net_amount), 0) as revenue
    from {{ ref('fct_orders') }} as orders
    inner join spine
        on orders.ordered_at <= spine.as_of
    where orders.is_counting
),

ledger as (
    select coalesce(sum(spend.reporting_amount), 0) as spend
    from {{ ref('fct_spend') }} as spend
    inner join spine
        on spend.spent_on <= spine.as_of_on
),

performance as (
    select
        attribution_model,
        sum(attributed_orders) as order_count,
        sum(attributed_revenue) as revenue,
        sum(spend) as spend
    from {{ ref('attribution_performance') }}
    group by attribution_model
)

select
    performance.attribution_model,
    performance.revenue as attributed_revenue,
    orders.revenue,
    performance.spend as spend_beside_it,
    ledger.spend
from performance
cross join orders
cross join ledger
where
    performance.order_count <> orders.order_count
    or performance.revenue <> orders.revenue
    or performance.spend <> ledger.spend
