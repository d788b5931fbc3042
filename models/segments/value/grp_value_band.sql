{{ config(enabled=segment_is_on(model.name), meta={'segment_group': {
    'exclusive_group': 'value_band',
    'variant': 'all',
    'owner': 'crm@clientele.example',
    'review_by': '2027-06-30',
}}) }}

-- Buyers of the last 365 days by what they spent in them: the upper fifth, then down to the median.
select
    profiles.as_of,
    profiles.customer_id,
    case
        when profiles.net_revenue_365d * 100 >= upper_line.scaled_cut then 'value_band_high'
        when profiles.net_revenue_365d * 100 >= middle_line.scaled_cut then 'value_band_medium'
        else 'value_band_low'
    end as segment_key
from {{ ref('customer_profiles') }} as profiles
inner join {{ ref('value_thresholds') }} as upper_line
    on
        profiles.as_of = upper_line.as_of
        and upper_line.measure = 'net_revenue_365d_of_buyers'
        and upper_line.percentile = 80
inner join {{ ref('value_thresholds') }} as middle_line
    on
        profiles.as_of = middle_line.as_of
        and middle_line.measure = 'net_revenue_365d_of_buyers'
        and middle_line.percentile = 50
where profiles.order_count_365d > 0
