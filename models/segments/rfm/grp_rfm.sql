{{ config(enabled=segment_is_on(model.name), meta={'segment_group': {
    'exclusive_group': 'rfm',
    'variant': rfm_variant(),
    'defined_by': [rfm_map_seed(), 'rfm_fixed_cut_points', 'rfm_rank_band_names'],
    'variables': [
        'rfm_window_days', 'rfm_method', 'rfm_bins', 'rfm_cut_point_offset', 'rfm_map',
    ],
    'owner': 'crm@clientele.example',
    'review_by': '2027-06-30',
    'examples': ['EX-01', 'EX-34'],
}}) }}

select
    as_of,
    customer_id,
    'rfm_' || rfm_segment as segment_key
from {{ ref('customer_profiles') }}
where rfm_segment is not null
