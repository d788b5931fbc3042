-- A band that ends where none begins leaves accounts without a band; two that overlap double them.
{%- set bands = {'size': 'employees', 'revenue': 'revenue', 'operation': 'years'} %}

with

bounds as (
    {%- for band, bound in bands.items() %}
    select
        '{{ band }}_bands' as bands,
        {{ band }}_band as band,
        cast({{ bound }}_from as decimal(18, 4)) as band_from,
        cast({{ bound }}_below as decimal(18, 4)) as band_below
    from {{ ref(band ~ '_bands') }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

with_next as (
    select
        bands,
        band,
        band_from,
        band_below,
        lead(band_from) over (
            partition by bands
            order by band_from asc nulls last, band_below asc nulls last
        ) as next_from
    from bounds
)

select
    bands,
    band
from with_next
where
    band_from is null
    or band_below <= band_from
    or (band_below is null) <> (next_from is null)
    or band_below <> next_from
