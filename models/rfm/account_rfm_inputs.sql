{{ rfm_inputs_query(ref('account_features'), 'account_id') }}
