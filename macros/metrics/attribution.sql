{#- How credit for an order is shared among the touches before it; docs/attribution.md has the words.
    The columns are those of attribution_paths: touch_number counts from 1 up to touch_count in order of
    time, credited_number is the last touch that is not direct, decay_weight that of decay_weight(). -#}

{#- The models, in the order in which they are told. -#}
{% macro attribution_models() -%}
    {{ return(['first', 'last', 'last_non_direct', 'linear', 'position_based', 'time_decay']) }}
{%- endmacro %}

{#- Those that share credit among several touches, so that something is left by rounding. -#}
{% macro sharing_attribution_models() -%}
    {{ return(['linear', 'position_based', 'time_decay']) }}
{%- endmacro %}

{#- The weight of a touch in a model: a whole number. position_based gives 40 % each to the first and
    the last touch and 20 % to all between, which is 2 (n - 2) to 1 of 5 (n - 2). -#}
{% macro attribution_weight(model) -%}
    {%- set weights = {
        'first': 'case when touch_number = 1 then 1 else 0 end',
        'last': 'case when touch_number = touch_count then 1 else 0 end',
        'last_non_direct': 'case when touch_number = credited_number then 1 else 0 end',
        'linear': '1',
        'position_based': 'case when touch_count > 2 and touch_number in (1, touch_count)'
                          ~ ' then 2 * (touch_count - 2) else 1 end',
        'time_decay': 'decay_weight',
    } -%}
    {{ return(weights[model]) }}
{%- endmacro %}

{#- The sum of the weights of an order's touches. -#}
{% macro attribution_total(model) -%}
    {%- set totals = {
        'linear': 'touch_count',
        'position_based': 'case when touch_count > 2 then 5 * (touch_count - 2) else touch_count end',
        'time_decay': 'decay_total',
    } -%}
    {{ return(totals.get(model, '1')) }}
{%- endmacro %}

{#- The share of a touch in its order = weight / sum of weights, before what rounding left is given out. -#}
{% macro attribution_share(model) -%}
    {{ ratio(attribution_weight(model), attribution_total(model)) }}
{%- endmacro %}

{#- The same share of the order's net revenue, of the exact and not of the rounded share. -#}
{% macro attribution_amount(model) -%}
    {{ amount_per('net_revenue * (' ~ attribution_weight(model) ~ ')', attribution_total(model)) }}
{%- endmacro %}

{#- The weight of a touch in time_decay: 0.5 ^ (days before the order / half-life), as a whole number of
    billionths. No engine computes it: every number of days in the window has its figure written out. -#}
{% macro decay_weight(days_before) -%}
    {%- set half_life = days_var('attribution_half_life_days') -%}
    case {{ days_before }}
        {%- for days in range(days_var('attribution_window_days')) %}
        when {{ days }} then {{ (1000000000 * 0.5 ** (days / half_life)) | round | int }}
        {%- endfor %}
    end
{%- endmacro %}

{#- The block of days, as long as the window, that a date lies in. What lies in the window of an order is of
    the order's block or of the one before: a join by customer and block meets few rows in vain. -#}
{% macro attribution_block(day) -%}
    {{ integer_divide(
        days_between("cast('1900-01-01' as date)", day), days_var('attribution_window_days')
    ) }}
{%- endmacro %}

{#- Return on ad spend = attributed revenue / spend; NULL where nothing was spent, or credits outweigh it. -#}
{% macro return_on_ad_spend(revenue, spend) -%}
    case when {{ spend }} > 0 then {{ ratio(revenue, spend) }} end
{%- endmacro %}
