with

order_lines as (
    select * from {{ ref('stg_order_lines') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
),

products as (
    select * from {{ ref('stg_products') }}
),

rates as (
    select * from {{ ref('daily_rates') }}
),

settings as (
    select * from {{ source('run', 'settings') }}
),

-- A line without a currency is in that of its order.
lines as (
    select
        order_lines.source_system,
        order_lines.order_id,
        order_lines.line_number,
        order_lines.product_id,
        order_lines.net_amount,
        coalesce(order_lines.currency, orders.currency) as currency,
        orders.customer_id,
        orders.ordered_at,
        orders.ordered_on,
        order_lines.loaded_at,
        settings.reporting_currency
    from order_lines
    inner join orders
        on
            order_lines.source_system = orders.source_system
            and order_lines.order_id = orders.order_id
    cross join settings
    where orders.is_counting and {{ status_counts('order_lines.status') }}
)

select
    lines.source_system,
    lines.order_id,
    lines.line_number,
    lines.customer_id,
    lines.product_id,
    products.product_name,
    products.category,
    products.brand,
    products.tier,
    lines.currency,
    lines.net_amount,
    cast({{ in_reporting_currency(
        'lines.net_amount', 'lines.currency', 'lines.reporting_currency', 'rates.rate_to_reporting'
    ) }} as decimal(18, 4)) as reporting_net_amount,
    lines.ordered_at,
    lines.ordered_on,
    lines.loaded_at
from lines
left join products
    on
        lines.source_system = products.source_system
        and lines.product_id = products.product_id
        and (products.valid_from is null or lines.ordered_on >= products.valid_from)
        and (products.valid_to is null or lines.ordered_on <= products.valid_to)
left join rates
    on
        lines.currency = rates.currency
        and lines.ordered_on = rates.rate_on
        and lines.currency <> lines.reporting_currency
