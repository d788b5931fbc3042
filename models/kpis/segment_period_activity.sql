{{ segment_sums(
    ref('customer_activity_periods'),
    activity_sums() + activity_flags() + ['is_visiting_prospect', 'is_converted_visitor']
) }}
