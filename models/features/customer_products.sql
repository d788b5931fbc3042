with

spine as (
    select * from {{ ref('as_of_spine') }}
),

purchases as (
    select * from {{ ref('customer_purchases') }}
),

orders as (
    select * from {{ ref('fct_orders') }} where is_counting and customer_id is not null
),

lines as (
    select * from {{ ref('fct_order_lines') }} where customer_id is not null
),

affinities as (
    select
        as_of,
        customer_id,
        max(top_value) filter (where kind = 'category') as top_category,
        max(top_net_amount) filter (where kind = 'category') as top_category_net_amount,
        max(top_value) filter (where kind = 'brand') as top_brand
    from {{ ref('customer_affinities') }}
    group by as_of, customer_id
),

spend as (
    select
        spine.as_of,
        lines.customer_id,
        cast(count(distinct lines.category) as int) as category_count_lifetime,
        cast(sum(lines.reporting_net_amount) as decimal(18, 4)) as net_amount_lifetime,
        {%- for tier in ['premium', 'budget'] %}
        cast(coalesce(sum(lines.reporting_net_amount) filter (
            where
            lines.tier = '{{ tier }}'
            and {{ in_last_days('lines.ordered_on', 'spine.as_of_on', 365) }}
        ), 0) as decimal(18, 4)) as {{ tier }}_net_amount_365d,
        {%- endfor %}
        cast(sum(lines.reporting_net_amount) filter (
            where {{ in_last_days('lines.ordered_on', 'spine.as_of_on', 365) }}
        ) as decimal(18, 4)) as net_amount_365d,
        max(lines.ordered_at) as last_ordered_at
    from lines
    inner join spine on lines.ordered_at <= spine.as_of
    group by spine.as_of, lines.customer_id
),

last_lines as (
    select
        spend.as_of,
        spend.customer_id,
        lines.product_name,
        lines.category
    from spend
    inner join lines
        on spend.customer_id = lines.customer_id and spend.last_ordered_at = lines.ordered_at
    qualify
        row_number() over (
            partition by spend.as_of, spend.customer_id
            order by
                lines.reporting_net_amount desc nulls last,
                lines.product_id asc nulls last,
                lines.source_system asc nulls last
        ) = 1
),

last_channels as (
    select
        purchases.as_of,
        purchases.customer_id,
        min(orders.sales_channel) as sales_channel
    from purchases
    inner join orders
        on
            purchases.customer_id = orders.customer_id
            and purchases.last_order_at = orders.ordered_at
    group by purchases.as_of, purchases.customer_id
)

select
    purchases.as_of,
    purchases.customer_id,
    spend.category_count_lifetime,
    affinities.top_category,
    {{ ratio('affinities.top_category_net_amount', 'spend.net_amount_lifetime') }}
        as top_category_share,
    affinities.top_brand,
    {%- for tier in ['premium', 'budget'] %}
    case
        when spend.net_amount_365d > 0
            then {{ ratio('spend.' ~ tier ~ '_net_amount_365d', 'spend.net_amount_365d') }}
    end as {{ tier }}_share_365d,
    {%- endfor %}
    last_lines.product_name as last_product_name,
    last_lines.category as last_product_category,
    {{ discount_share('purchases.discounted_net_amount_365d', 'purchases.order_net_amount_365d') }}
        as discount_share_365d,
    {{ spend_trend('purchases.net_revenue_90d', 90, 'purchases.net_revenue_365d', 365) }}
        as spend_trend_90d,
    last_channels.sales_channel as last_sales_channel
from purchases
left join spend on purchases.as_of = spend.as_of and purchases.customer_id = spend.customer_id
left join affinities
    on purchases.as_of = affinities.as_of and purchases.customer_id = affinities.customer_id
left join last_lines
    on purchases.as_of = last_lines.as_of and purchases.customer_id = last_lines.customer_id
left join last_channels
    on purchases.as_of = last_channels.as_of and purchases.customer_id = last_channels.customer_id
