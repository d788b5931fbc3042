with

features as (
    select * from {{ ref('customer_features') }}
),

populations as (
    select
        as_of,
        'net_revenue_365d_of_buyers' as measure,
        net_revenue_365d as amount
    from features
    where order_count_365d > 0
    union all
    select
        as_of,
        'net_revenue_lifetime_of_customers' as measure,
        net_revenue_lifetime as amount
    from features
    where order_count_lifetime > 0
    union all
    select
        as_of,
        'average_order_value_365d_of_buyers' as measure,
        average_order_value_365d as amount
    from features
    where order_count_365d > 0
),

percentiles as (
    {{ type7_quantiles(
        'populations', ['as_of', 'measure'], 'amount', 100, [50, 80, 90]
    ) | indent(4) }}
)

select
    as_of,
    measure,
    cut_number as percentile,
    scaled_cut,
    cut_point
from percentiles
