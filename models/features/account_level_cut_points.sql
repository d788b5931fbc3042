with

purchases as (
    select * from {{ ref('account_purchases') }} where order_count_365d > 0
),

populations as (
    select
        as_of,
        'frequency' as measure,
        cast(order_count_365d as decimal(18, 4)) as amount
    from purchases
    union all
    select
        as_of,
        'average_order_value' as measure,
        average_order_value_365d as amount
    from purchases
    union all
    select
        as_of,
        'value' as measure,
        net_revenue_365d as amount
    from purchases
),

terciles as (
    {{ type7_quantiles('populations', ['as_of', 'measure'], 'amount', 3, [1, 2]) | indent(4) }}
)

select
    as_of,
    measure,
    cut_number,
    scaled_cut,
    cut_point
from terciles
