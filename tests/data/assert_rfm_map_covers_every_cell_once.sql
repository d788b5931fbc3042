-- A cell without a segment silently loses its customers; a cell with two doubles them.
{%- set bins = rfm_bins() %}
with

scores as (
    {%- for score in range(1, bins + 1) %}
    select {{ score }} as score
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

cells as (
    select
        recency.score as recency_score,
        frequency.score as frequency_score,
        monetary.score as monetary_score
    from scores as recency
    cross join scores as frequency
    cross join scores as monetary
)

select
    cells.recency_score,
    cells.frequency_score,
    cells.monetary_score,
    count(segment_map.rfm_segment) as segment_count
from cells
left join {{ ref(rfm_map_seed()) }} as segment_map
    on
        cells.recency_score = segment_map.recency_score
        and cells.frequency_score = segment_map.frequency_score
        and cells.monetary_score = segment_map.monetary_score
group by cells.recency_score, cells.frequency_score, cells.monetary_score
having count(segment_map.rfm_segment) <> 1
