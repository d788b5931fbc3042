{{ rfm_inputs_query(ref('customer_features'), 'customer_id') }}
