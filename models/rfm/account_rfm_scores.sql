{%- set rank_bands = ref('account_rfm_rank_bands') if var('rfm_method') == 'rank_bands' -%}

{{ rfm_scores_query(
    ref('account_rfm_inputs'), ref('account_rfm_cut_points'), rank_bands, 'account_id'
) }}
