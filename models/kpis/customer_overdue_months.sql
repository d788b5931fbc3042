-- A rhythm is worked out for the customer's last day with an order before a close, and only where
-- they are silent since for longer than anybody may be: most closings need none.
with

months as (
    select * from {{ ref('periods') }} where period_grain = 'month'
),

thresholds as (
    {{ lifecycle_thresholds_of(overdue_thresholds() + ['lapsed_after_days']) | indent(4) }}
),

closings as (
    select
        closings.customer_id,
        closings.month_start,
        closings.last_ordered_on,
        {{ days_between('closings.last_ordered_on', 'months.closes_on') }} as days_since_last_order
    from {{ ref('customer_closings') }} as closings
    inner join months
        on closings.month_start = months.period_start
),

silent as (
    select closings.*
    from closings
    inner join thresholds
        on
            closings.days_since_last_order < thresholds.lapsed_after_days
            and closings.days_since_last_order > least(
                thresholds.overdue_minimum_days, thresholds.overdue_default_days
            )
),

silences as (
    select distinct
        customer_id,
        last_ordered_on
    from silent
),

order_days as (
    select
        customer_id,
        occurred_on,
        {{ days_between('previous_ordered_on', 'occurred_on') }} as gap_days
    from {{ ref('customer_revenue_days') }}
    where order_count > 0 and customer_id is not null
),

rhythms as (
    select
        silences.customer_id,
        silences.last_ordered_on,
        count(*) as order_day_count_lifetime,
        {{ exact_median('order_days.gap_days') }} as median_days_between_orders
    from silences
    inner join order_days
        on
            silences.customer_id = order_days.customer_id
            and silences.last_ordered_on >= order_days.occurred_on
    group by silences.customer_id, silences.last_ordered_on
),

standings as (
    select
        silent.customer_id,
        silent.month_start,
        silent.days_since_last_order,
        rhythms.order_day_count_lifetime,
        rhythms.median_days_between_orders
    from silent
    inner join rhythms
        on
            silent.customer_id = rhythms.customer_id
            and silent.last_ordered_on = rhythms.last_ordered_on
)

select
    standings.customer_id,
    standings.month_start
from standings
inner join thresholds
    on
        {{ is_overdue('standings', 'thresholds') | indent(4) }}
