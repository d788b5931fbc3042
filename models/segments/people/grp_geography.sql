{{ config(enabled=segment_is_on(model.name), meta={'segment_group': {
    'exclusive_group': 'geography',
    'variant': 'all',
    'defined_by': ['world_regions'],
    'owner': 'marketing@clientele.example',
    'review_by': '2027-06-30',
}}) }}

-- Everybody is in one: of whom no country is known, or one that is in no region, in unknown.
select
    profiles.as_of,
    profiles.customer_id,
    'geography_' || coalesce(regions.world_region, 'unknown') as segment_key
from {{ ref('customer_profiles') }} as profiles
left join {{ ref('world_regions') }} as regions
    on profiles.country_code = regions.country_code
