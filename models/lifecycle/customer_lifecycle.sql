with

features as (
    select * from {{ ref('customer_features') }}
),

thresholds as (
    select
        max(days_or_count) filter (
            where threshold = 'lapsed_after_days'
        ) as lapsed_after_days,
        max(days_or_count) filter (
            where threshold = 'overdue_minimum_order_dates'
        ) as overdue_minimum_order_dates,
        max(days_or_count) filter (
            where threshold = 'overdue_gap_multiple'
        ) as overdue_gap_multiple,
        max(days_or_count) filter (
            where threshold = 'overdue_minimum_days'
        ) as overdue_minimum_days,
        max(days_or_count) filter (
            where threshold = 'overdue_default_days'
        ) as overdue_default_days,
        max(days_or_count) filter (
            where threshold = 'new_within_days'
        ) as new_within_days,
        max(days_or_count) filter (
            where threshold = 'new_below_orders'
        ) as new_below_orders,
        max(days_or_count) filter (
            where threshold = 'loyal_minimum_orders_365d'
        ) as loyal_minimum_orders_365d,
        max(days_or_count) filter (
            where threshold = 'loyal_minimum_tenure_days'
        ) as loyal_minimum_tenure_days
    from {{ ref('lifecycle_thresholds') }}
)

-- The first stage that fits holds; the order of the branches is the precedence.
select
    features.as_of,
    features.customer_id,
    case
        when features.order_count_lifetime = 0 then 'prospect'
        when features.days_since_last_order >= thresholds.lapsed_after_days then 'lapsed'
        when
            features.order_day_count_lifetime >= thresholds.overdue_minimum_order_dates
            and features.days_since_last_order > greatest(
                thresholds.overdue_gap_multiple * features.median_days_between_orders,
                thresholds.overdue_minimum_days
            ) then 'at_risk'
        when
            features.order_day_count_lifetime < thresholds.overdue_minimum_order_dates
            and features.days_since_last_order > thresholds.overdue_default_days then 'at_risk'
        when
            features.days_since_first_order < thresholds.new_within_days
            and features.order_count_lifetime < thresholds.new_below_orders then 'new'
        when
            features.order_count_365d >= thresholds.loyal_minimum_orders_365d
            and features.days_since_first_order >= thresholds.loyal_minimum_tenure_days then 'loyal'
        else 'active'
    end as lifecycle_stage
from features
cross join thresholds
