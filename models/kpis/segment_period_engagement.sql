{{ segment_sums(ref('customer_engagement_periods'), ['engagement_millionths']) }}
