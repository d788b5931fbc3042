with

refunds as (
    select * from {{ ref('stg_refunds') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
),

cancellations as (
    select * from {{ ref('exported_cancellations') }}
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

named_refunds as (
    select
        'refund' as origin,
        refunds.source_system,
        refunds.refund_id as record_id,
        refunds.order_id,
        refunds.customer_ref,
        refunds.email,
        orders.customer_id as order_customer_id,
        coalesce(refunds.currency, orders.currency) as currency,
        refunds.amount,
        -- A refund whose order is not known (yet) counts; one of an order that does not, never.
        coalesce(orders.is_counting, true) as is_counting,
        orders.order_id is not null as has_order,
        refunds.refunded_at,
        refunds.loaded_at
    from refunds
    left join orders
        on refunds.source_system = orders.source_system and refunds.order_id = orders.order_id
),

all_refunds as (
    select * from named_refunds
    union all
    select * from cancellations
),

dated as (
    select
        all_refunds.*,
        settings.reporting_currency,
        {{ business_date('all_refunds.refunded_at', 'settings.business_time_zone') }} as refunded_on
    from all_refunds
    cross join settings
)

select
    dated.origin,
    dated.source_system,
    dated.record_id,
    dated.order_id,
    -- A refund of somebody who was erased is nobody's, whosever the order is.
    case
        when records.record_id is null then dated.order_customer_id
        else records.customer_id
    end as customer_id,
    dated.currency,
    cast(dated.amount as decimal(18, 4)) as amount,
    cast({{ in_reporting_currency(
        'dated.amount', 'dated.currency', 'dated.reporting_currency', 'rates.rate_to_reporting'
    ) }} as decimal(18, 4)) as reporting_amount,
    dated.is_counting,
    dated.has_order,
    dated.refunded_at,
    dated.refunded_on,
    dated.loaded_at
from dated
left join rates
    on
        dated.currency = rates.currency
        and dated.refunded_on = rates.rate_on
        and dated.currency <> dated.reporting_currency
left join records
    on {{ names_record('dated', 'records') | indent(8) }}
