-- Bands of equal size by the sum of three competition ranks. Used where rfm_method is rank_bands.
{{ config(enabled=var('rfm_method') == 'rank_bands') }}

{{ rfm_rank_bands_query(ref('account_rfm_inputs'), 'account_id') }}
