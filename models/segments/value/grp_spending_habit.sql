{{ config(enabled=segment_is_on(model.name), meta={'segment_group': {
    'exclusive_group': 'spending_habit',
    'variant': 'all',
    'owner': 'crm@clientele.example',
    'review_by': '2027-06-30',
}}) }}

-- Buyers of the last 365 days by how often they buy (once a quarter is often) and how much at a
-- time (the median of the buyers is much).
select
    profiles.as_of,
    profiles.customer_id,
    case
        when profiles.order_count_365d >= 4 then 'spending_habit_often_'
        else 'spending_habit_seldom_'
    end
    || case
        when profiles.average_order_value_365d * 100 >= thresholds.scaled_cut then 'large'
        else 'small'
    end as segment_key
from {{ ref('customer_profiles') }} as profiles
inner join {{ ref('value_thresholds') }} as thresholds
    on
        profiles.as_of = thresholds.as_of
        and thresholds.measure = 'average_order_value_365d_of_buyers'
        and thresholds.percentile = 50
where profiles.order_count_365d > 0
