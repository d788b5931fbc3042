{{ segment_sums(ref('customer_standings'), standing_measures()) }}
