{%- set measures = {'response_rate': 'responded', 'conversion_rate': 'converted'} -%}
{%- set sides = {'segmented': 'is_segmented', 'other': 'not is_segmented'} -%}

with

samples as (
    select * from {{ ref('campaign_samples') }}
),

measures as (
    {%- for measure, count in measures.items() %}
    select
        '{{ measure }}' as measure,
        {%- for side, condition in sides.items() %}
        count(*) filter (where {{ condition }}) as {{ side }}_campaign_count,
        coalesce(sum(contacted) filter (where {{ condition }}), 0) as {{ side }}_sample_size,
        coalesce(sum({{ count }}) filter (where {{ condition }}), 0) as {{ side }}_success_count
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from samples
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

compared as (
    select
        measure,
        {%- for side in sides %}
        cast({{ side }}_campaign_count as bigint) as {{ side }}_campaign_count,
        cast({{ side }}_sample_size as bigint) as {{ side }}_sample_size,
        cast({{ side }}_success_count as bigint) as {{ side }}_success_count,
        {{ ratio(side ~ '_success_count', side ~ '_sample_size') }} as {{ side }}_rate,
        {%- endfor %}
        -- One division of both, so that the difference is rounded once.
        {{ ratio(
            '(segmented_success_count * other_sample_size'
            ~ ' - other_success_count * segmented_sample_size)',
            'segmented_sample_size * other_sample_size'
        ) }} as difference,
        {%- for bound in ['low', 'high'] %}
        {{ newcombe_bound(
            'segmented_success_count', 'segmented_sample_size',
            'other_success_count', 'other_sample_size', bound
        ) }} as {{ bound }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from measures
)

select
    *,
    {{ difference_verdict('segmented_sample_size', 'other_sample_size', 'low', 'high') }} as verdict
from compared
