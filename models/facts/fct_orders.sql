with

orders as (
    select * from {{ ref('stg_orders') }}
),

line_totals as (
    select * from {{ ref('order_line_totals') }}
),

records as (
    select * from {{ ref('record_customers') }}
),

rates as (
    select * from {{ ref('daily_rates') }}
),

settings as (
    select * from {{ source('run', 'settings') }}
),

from_headers as (
    select
        orders.source_system,
        orders.order_id,
        orders.customer_ref,
        orders.email,
        orders.phone_e164,
        orders.status,
        orders.currency,
        orders.sales_channel,
        'header' as origin,
        {{ status_counts('orders.status') }} as is_counting,
        orders.discount_amount > 0 or orders.coupon_code is not null
        or coalesce(line_totals.has_discount, false) as has_discount,
        orders.net_amount,
        orders.discount_amount,
        line_totals.net_amount as line_net_amount,
        orders.ordered_at,
        orders.loaded_at
    from orders
    left join line_totals
        on
            orders.source_system = line_totals.source_system
            and orders.order_id = line_totals.order_id
),

from_lines as (
    select
        line_totals.source_system,
        line_totals.order_id,
        line_totals.customer_ref,
        cast(null as string) as email,
        cast(null as string) as phone_e164,
        line_totals.status,
        line_totals.currency,
        cast(null as string) as sales_channel,
        'lines' as origin,
        line_totals.is_counting,
        line_totals.has_discount,
        line_totals.net_amount,
        line_totals.discount_amount,
        line_totals.net_amount as line_net_amount,
        line_totals.ordered_at,
        line_totals.loaded_at
    from line_totals
    left join orders
        on
            line_totals.source_system = orders.source_system
            and line_totals.order_id = orders.order_id
    -- Lines without a header and without a time can form no order; a data test stops the refresh.
    where orders.order_id is null and line_totals.ordered_at is not null
),

dated as (
    select
        orders.*,
        settings.reporting_currency,
        {{ business_date('orders.ordered_at', 'settings.business_time_zone') }} as ordered_on
    from (
        select * from from_headers
        union all
        select * from from_lines
    ) as orders
    cross join settings
)

select
    dated.source_system,
    dated.order_id,
    coalesce(records.customer_id, records_of_phones.customer_id) as customer_id,
    dated.status,
    dated.sales_channel,
    dated.origin,
    dated.currency,
    dated.net_amount,
    {{ in_reporting_currency(
        'dated.net_amount', 'dated.currency', 'dated.reporting_currency', 'rates.rate_to_reporting'
    ) }} as reporting_net_amount,
    dated.discount_amount,
    dated.line_net_amount,
    dated.is_counting,
    dated.has_discount,
    dated.ordered_at,
    dated.ordered_on,
    dated.loaded_at
from dated
left join rates
    on
        dated.currency = rates.currency
        and dated.ordered_on = rates.rate_on
        and dated.currency <> dated.reporting_currency
left join records
    on {{ names_record('dated', 'records') | indent(8) }}
left join records as records_of_phones
    on
        records.record_id is null
        and dated.phone_e164 = records_of_phones.reference
        and records_of_phones.record_kind = 'phone'
