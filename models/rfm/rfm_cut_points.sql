{{ rfm_cut_points_query(ref('rfm_inputs')) }}
