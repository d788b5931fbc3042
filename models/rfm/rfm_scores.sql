{%- set method = choice_var('rfm_method', ['quantiles', 'fixed', 'rank_bands']) -%}
{%- set bins = rfm_bins() -%}

with

inputs as (
    select * from {{ ref('rfm_inputs') }}
),

cut_points as (
    select * from {{ ref('rfm_cut_points') }}
),

-- One row per instant: few enough to be sent to every task, so that scoring shuffles nothing.
cuts as (
    select
        as_of,
        {{ rfm_cut_columns() | indent(8) }}
    from cut_points
    group by as_of
),

scored as (
    select
        inputs.as_of,
        inputs.customer_id,
        inputs.recency_days,
        inputs.frequency,
        inputs.monetary,
        {{ bins }} + 1 - ({{ rfm_score('inputs.recency_days', 'cuts.recency') | indent(8) }})
            as recency_score,
        {{ rfm_score('inputs.frequency', 'cuts.frequency') | indent(8) }} as frequency_score,
        {{ rfm_score('inputs.monetary', 'cuts.monetary') | indent(8) }} as monetary_score
    from inputs
    inner join cuts
        on inputs.as_of = cuts.as_of
),

{% if method == 'rank_bands' -%}
bands as (
    select * from {{ ref('rfm_rank_bands') }}
),

named as (
    select
        scored.*,
        bands.rfm_segment
    from scored
    inner join bands
        on scored.as_of = bands.as_of and scored.customer_id = bands.customer_id
)
{%- else -%}
segment_map as (
    select * from {{ ref(rfm_map_seed()) }}
),

named as (
    select
        scored.*,
        segment_map.rfm_segment
    from scored
    left join segment_map
        on
            scored.recency_score = segment_map.recency_score
            and scored.frequency_score = segment_map.frequency_score
            and scored.monetary_score = segment_map.monetary_score
)
{%- endif %}

select
    as_of,
    customer_id,
    cast(recency_days as int) as recency_days,
    cast(frequency as int) as frequency,
    cast(monetary as decimal(18, 4)) as monetary,
    cast(recency_score as int) as recency_score,
    cast(frequency_score as int) as frequency_score,
    cast(monetary_score as int) as monetary_score,
    cast(recency_score * 100 + frequency_score * 10 + monetary_score as int) as rfm_score,
    rfm_segment
from named
