{{ rfm_cut_points_query(ref('account_rfm_inputs')) }}
