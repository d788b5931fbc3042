{{ segment_sums(ref('customer_spend_periods'), ['spend_share'], scale=12) }}
