with

features as (
    select * from {{ ref('customer_features') }}
),

thresholds as (
    {{ lifecycle_thresholds_of(overdue_thresholds() + [
        'lapsed_after_days', 'new_within_days', 'new_below_orders', 'loyal_minimum_orders_365d',
        'loyal_minimum_tenure_days',
    ]) | indent(4) }}
)

-- The first stage that fits holds; the order of the branches is the precedence.
select
    features.as_of,
    features.customer_id,
    case
        when features.order_count_lifetime = 0 then 'prospect'
        when features.days_since_last_order >= thresholds.lapsed_after_days then 'lapsed'
        when
            {{ is_overdue('features', 'thresholds') | indent(8) }} then 'at_risk'
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
