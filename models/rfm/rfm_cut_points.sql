{%- set method = choice_var('rfm_method', ['quantiles', 'fixed', 'rank_bands']) -%}
{%- set bins = rfm_bins() -%}

with

inputs as (
    select * from {{ ref('rfm_inputs') }}
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
