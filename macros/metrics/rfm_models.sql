{#- The models of RFM, for customers and for business accounts: `entity_id` is customer_id or account_id,
    every other argument a relation. Each macro is the whole query of a model. -#}

{#- One row per entity with a counting order in the RFM window. -#}
{% macro rfm_inputs_query(features, entity_id) -%}
with

features as (
    select * from {{ features }}
)

select
    as_of,
    {{ entity_id }},
    days_since_last_order as recency_days,
    order_count_rfm_window as frequency,
    net_revenue_rfm_window as monetary
from features
where order_count_rfm_window > 0
{%- endmacro %}

{#- One row per metric and cut point, over `inputs`. -#}
{% macro rfm_cut_points_query(inputs) -%}
{%- set method = choice_var('rfm_method', ['quantiles', 'fixed', 'rank_bands']) -%}
{%- set bins = rfm_bins() -%}

with

inputs as (
    select * from {{ inputs }}
),

{% if method == 'fixed' -%}
fixed as (
    select * from {{ ref('rfm_fixed_cut_points') }}
),

instants as (
    select distinct as_of from inputs
),

cuts as (
    select
        instants.as_of,
        fixed.metric,
        cast(fixed.cut_number as int) as cut_number,
        cast(cast(fixed.cut_point as decimal(18, 4)) * {{ bins }} as decimal(38, 4)) as scaled_cut,
        cast(fixed.cut_point as decimal(38, 8)) as cut_point
    from instants
    cross join fixed
    where fixed.cut_number < {{ bins }}
)
{%- else -%}
long_inputs as (
    select
        as_of,
        'recency' as metric,
        cast(recency_days as decimal(18, 4)) as amount
    from inputs
    union all
    select
        as_of,
        'frequency' as metric,
        cast(frequency as decimal(18, 4)) as amount
    from inputs
    union all
    select
        as_of,
        'monetary' as metric,
        monetary as amount
    from inputs
),

cuts as (
    {{ type7_quantiles(
        'long_inputs', ['as_of', 'metric'], 'amount', bins, range(1, bins) | list
    ) | indent(4) }}
)
{%- endif %}

select
    as_of,
    metric,
    cut_number,
    scaled_cut,
    cut_point
from cuts
{%- endmacro %}

{#- One row per entity of `inputs` with its band by the sum of three competition ranks. -#}
{% macro rfm_rank_bands_query(inputs, entity_id) -%}
with

inputs as (
    select * from {{ inputs }}
),

band_names as (
    select * from {{ ref('rfm_rank_band_names') }}
),

ranks as (
    select
        as_of,
        {{ entity_id }},
        rank() over (partition by as_of order by recency_days asc nulls last)
        + rank() over (partition by as_of order by frequency desc nulls last)
        + rank() over (partition by as_of order by monetary desc nulls last) as composite
    from inputs
),

positions as (
    select
        as_of,
        {{ entity_id }},
        composite,
        rank() over (partition by as_of order by composite asc nulls last) - 1 as better_count,
        count(*) over (partition by as_of) as entity_count
    from ranks
),

bands as (
    select
        as_of,
        {{ entity_id }},
        cast(composite as bigint) as composite,
        1 + {{ integer_divide('5 * better_count', 'entity_count') }} as band
    from positions
)

select
    bands.as_of,
    bands.{{ entity_id }},
    bands.composite,
    cast(bands.band as int) as band,
    band_names.rfm_segment
from bands
inner join band_names
    on bands.band = band_names.band
{%- endmacro %}

{#- One row per entity of `inputs` with its scores and its segment; `rank_bands` only where rfm_method is that. -#}
{% macro rfm_scores_query(inputs, cut_points, rank_bands, entity_id) -%}
{%- set method = choice_var('rfm_method', ['quantiles', 'fixed', 'rank_bands']) -%}
{%- set bins = rfm_bins() -%}

with

inputs as (
    select * from {{ inputs }}
),

cut_points as (
    select * from {{ cut_points }}
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
        inputs.{{ entity_id }},
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
    select * from {{ rank_bands }}
),

named as (
    select
        scored.*,
        bands.rfm_segment
    from scored
    inner join bands
        on scored.as_of = bands.as_of and scored.{{ entity_id }} = bands.{{ entity_id }}
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
    {{ entity_id }},
    cast(recency_days as int) as recency_days,
    cast(frequency as int) as frequency,
    cast(monetary as decimal(18, 4)) as monetary,
    cast(recency_score as int) as recency_score,
    cast(frequency_score as int) as frequency_score,
    cast(monetary_score as int) as monetary_score,
    cast(recency_score * 100 + frequency_score * 10 + monetary_score as int) as rfm_score,
    rfm_segment
from named
{%- endmacro %}
