{{ segment_sums(ref('customer_lead_periods'), lead_measures()) }}
