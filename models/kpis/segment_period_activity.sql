{{ segment_sums(ref('customer_activity_periods'), activity_measures()) }}
