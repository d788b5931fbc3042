{{ config(enabled=segment_is_on(model.name), meta={'segment_group': {
    'exclusive_group': 'b2b',
    'variant': 'all',
    'entity': 'account',
    'defined_by': ['size_bands', 'account_thresholds', 'industry_sectors'],
    'owner': 'sales@clientele.example',
    'review_by': '2027-06-30',
    'needs': ['accounts'],
    'examples': ['EX-30'],
}}) }}

{#- Size, sector, and the level that the archetype has in frequency, order value and value. The
    first row that fits wins. An account of another level is in all the same. -#}
{%- set rows = [
    ('technology_startup', 'is_startup', 'technology', 'low'),
    ('large_enterprise_financial', "size_band = 'large'", 'financial services', 'high'),
    ('large_enterprise_technology', "size_band = 'large'", 'technology', 'high'),
    ('mid_sized_healthcare', "size_band = 'mid'", 'healthcare', 'medium'),
    ('small_retail', "size_band = 'small'", 'retail', 'low'),
] -%}

with

placed as (
    select
        as_of,
        account_id,
        frequency_level,
        average_order_value_level,
        value_level,
        case
            {%- for member, size, sector, level in rows %}
            when {{ size }} and industry_sector = '{{ sector }}' then 'b2b_{{ member }}'
            {%- endfor %}
        end as segment_key
    from {{ ref('account_profiles') }}
),

levelled as (
    select
        *,
        case segment_key
            {%- for member, size, sector, level in rows %}
            when 'b2b_{{ member }}' then '{{ level }}'
            {%- endfor %}
        end as archetype_level
    from placed
    where segment_key is not null
)

select
    as_of,
    account_id,
    segment_key,
    frequency_level = archetype_level
    and average_order_value_level = archetype_level
    and value_level = archetype_level as matches_archetype
from levelled
