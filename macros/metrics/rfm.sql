{#- RFM: recency, frequency and monetary scores (definitions: docs/metrics.md). -#}

{#- The number of scores of each dimension, checked. -#}
{% macro rfm_bins() -%}
    {%- set bins = var('rfm_bins') -%}
    {%- if bins is not integer or bins < 2 or bins > 9 -%}
        {{ exceptions.raise_compiler_error(
            "Variable rfm_bins is " ~ bins ~ "; give a whole number from 2 to 9."
        ) }}
    {%- endif -%}
    {%- if bins != 5 and var('rfm_map') in ['default', 'r'] and var('rfm_method') != 'rank_bands' -%}
        {{ exceptions.raise_compiler_error(
            "Variable rfm_bins is " ~ bins ~ " but rfm_map is " ~ var('rfm_map')
            ~ ", which has 5 scores; name a seed with a row for each of the " ~ bins ** 3 ~ " cells in rfm_map."
        ) }}
    {%- endif -%}
    {{ return(bins) }}
{%- endmacro %}

{#- The name of the seed that maps scores to segments. -#}
{% macro rfm_map_seed() -%}
    {%- set rfm_map = var('rfm_map') | string -%}
    {{ return('rfm_map_' ~ rfm_map if rfm_map in ['default', 'r'] else rfm_map) }}
{%- endmacro %}

{#- Which rows of seeds/segment_group_members.csv describe the members of the rfm group. -#}
{% macro rfm_variant() -%}
    {{ return('rank_bands' if var('rfm_method') == 'rank_bands' else var('rfm_map') | string) }}
{%- endmacro %}

{#- How far above a cut point a value must lie to reach the next score. A decimal number. -#}
{% macro rfm_cut_point_offset() -%}
    {%- set offset = var('rfm_cut_point_offset') -%}
    {%- if offset is not number or offset < 0 -%}
        {{ exceptions.raise_compiler_error(
            "Variable rfm_cut_point_offset is " ~ offset ~ "; give 0 or a number above 0."
        ) }}
    {%- endif -%}
    {{ return(offset) }}
{%- endmacro %}

{#- The cut points of one instant side by side, as columns <metric>_cut_<n>: aggregates over
    rfm_cut_points. -#}
{% macro rfm_cut_columns() -%}
    {%- set metrics = ['recency', 'frequency', 'monetary'] -%}
    {%- for metric in metrics %}
        {%- set last_metric = loop.last %}
        {%- for number in range(1, rfm_bins()) -%}
max(scaled_cut) filter (
    where metric = '{{ metric }}' and cut_number = {{ number }}
) as {{ metric }}_cut_{{ number }}
            {%- if not (loop.last and last_metric) %},{{ '\n' }}{% endif %}
        {%- endfor %}
    {%- endfor %}
{%- endmacro %}

{#- 1 + the number of cut points c of `metric` with value > c; with an offset k, value >= c + k. Cut
    points are columns <metric>_cut_<n>, scaled by the number of bins. -#}
{% macro rfm_score(value, metric) -%}
    {%- set bins = rfm_bins() -%}
    {%- set offset = rfm_cut_point_offset() -%}
    1
    {%- for number in range(1, bins) %}
    + case
        when
            {{ value }} * {{ bins }}
            {%- if offset > 0 %} >= {{ metric }}_cut_{{ number }} + {{ offset }} * {{ bins }}
            {%- else %} > {{ metric }}_cut_{{ number }}
            {%- endif %} then 1
        else 0
    end
    {%- endfor -%}
{%- endmacro %}
