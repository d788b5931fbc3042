-- Amounts of two currencies are never added up: each is converted by a rate of its own day, or the
-- refresh stops. Lines in two currencies that form one order have no common sum.
with

amounts as (
    select
        'orders' as entity,
        currency,
        ordered_on as needed_on,
        reporting_net_amount as reporting_amount
    from {{ ref('fct_orders') }}
    where is_counting
    union all
    select
        'refunds' as entity,
        currency,
        refunded_on as needed_on,
        reporting_amount
    from {{ ref('fct_refunds') }}
    where is_counting
    union all
    -- Lines in the currency of their order lack a rate with it and are not told twice.
    select
        'order_lines' as entity,
        order_lines.currency,
        order_lines.ordered_on as needed_on,
        order_lines.reporting_net_amount as reporting_amount
    from {{ ref('fct_order_lines') }} as order_lines
    inner join {{ ref('fct_orders') }} as orders
        on
            order_lines.source_system = orders.source_system
            and order_lines.order_id = orders.order_id
    where orders.reporting_net_amount is not null
    union all
    -- A budget entered ahead has no rate yet.
    select
        'marketing_spend' as entity,
        spend.currency,
        spend.spent_on as needed_on,
        spend.reporting_amount
    from {{ ref('fct_spend') }} as spend
    inner join {{ ref('as_of_spine') }} as spine
        on spend.spent_on <= spine.as_of_on
    where spine.is_current
    union all
    -- A period that starts after as_of has no rate yet.
    select
        'subscriptions' as entity,
        subscriptions.currency,
        subscriptions.started_on as needed_on,
        subscriptions.reporting_monthly_amount as reporting_amount
    from {{ ref('fct_subscriptions') }} as subscriptions
    cross join {{ source('run', 'settings') }} as settings
    where
        subscriptions.status = 'active'
        and subscriptions.monthly_amount is not null
        and subscriptions.started_at <= settings.as_of
),

mixed as (
    select
        order_lines.order_id,
        max(coalesce(order_lines.currency, settings.reporting_currency)) as currency
    from {{ ref('stg_order_lines') }} as order_lines
    inner join {{ ref('fct_orders') }} as orders
        on
            order_lines.source_system = orders.source_system
            and order_lines.order_id = orders.order_id
    cross join {{ source('run', 'settings') }} as settings
    where orders.origin = 'lines' and {{ status_counts('order_lines.status') }}
    group by order_lines.source_system, order_lines.order_id
    having
        min(coalesce(order_lines.currency, settings.reporting_currency))
        <> max(coalesce(order_lines.currency, settings.reporting_currency))
)

select
    entity,
    currency,
    min(needed_on) as first_needed_on,
    count(*) as record_count
from amounts
where reporting_amount is null
group by entity, currency
union all
select
    'order_lines with two currencies in one order' as entity,
    min(currency) as currency,
    cast(null as date) as first_needed_on,
    count(*) as record_count
from mixed
having count(*) > 0
