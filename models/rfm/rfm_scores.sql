{%- set rank_bands = ref('rfm_rank_bands') if var('rfm_method') == 'rank_bands' -%}

{{ rfm_scores_query(ref('rfm_inputs'), ref('rfm_cut_points'), rank_bands, 'customer_id') }}
