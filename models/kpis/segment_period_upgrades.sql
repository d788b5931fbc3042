{{ segment_sums(ref('customer_upgrade_periods'), ['is_subscribed_at_start', 'is_upgraded']) }}
