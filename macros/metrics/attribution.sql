{#- How credit for an order is shared among the touches before it; docs/attribution.md has the words.
    The columns are those of attribution_paths: touch_number counts from 1 up to touch_count in order of
    time, decay_weight is that of decay_weight().

    What is shared is a whole number (a credit in millionths, an amount in ten-thousandths), so that many
    orders are shared by whole divisions. The last touch gets what the rounded parts of the others leave. -#}

{#- The models, in the order in which they are told. -#}
{% macro attribution_models() -%}
    {{ return(['first', 'last', 'last_non_direct', 'linear', 'position_based', 'time_decay']) }}
{%- endmacro %}

{#- A number of days from a variable of attribution, which has no lifetime to fall back on. -#}
{% macro attribution_days(name) -%}
    {%- set days = days_var(name) -%}
    {%- if days is none -%}
        {{ exceptions.raise_compiler_error(
            "Variable " ~ name ~ " is null; give a whole number of days above 0."
        ) }}
    {%- endif -%}
    {{ return(days) }}
{%- endmacro %}

{#- A quotient of two whole numbers that are not negative, rounded half even to a whole number. -#}
{% macro whole_ratio(numerator, denominator) -%}
    {%- set quotient = integer_divide(numerator, denominator) -%}
    {%- set rest = 'mod(' ~ numerator ~ ', ' ~ denominator ~ ')' -%}
    {{ quotient }} + case
        when 2 * {{ rest }} > {{ denominator }} then 1
        when 2 * {{ rest }} = {{ denominator }} then mod({{ quotient }}, 2)
        else 0
    end
{%- endmacro %}

{#- linear: the same to every touch, repeats counted. -#}
{% macro linear_part(total) -%}
    case
        when touch_number < touch_count then {{ whole_ratio(total, 'touch_count') }}
        else {{ total }} - (touch_count - 1) * ({{ whole_ratio(total, 'touch_count') }})
    end
{%- endmacro %}

{#- position_based: 40 % first, 40 % last, 20 % shared by the rest; two touches halve it, one has it all. -#}
{% macro position_based_part(total) -%}
    {%- set edge = whole_ratio('(2 * ' ~ total ~ ')', '5') -%}
    {%- set middle = whole_ratio(total, '(5 * (touch_count - 2))') -%}
    case
        when touch_count <= 2 then {{ linear_part(total) }}
        when touch_number = 1 then {{ edge }}
        when touch_number < touch_count then {{ middle }}
        else {{ total }} - ({{ edge }}) - (touch_count - 2) * ({{ middle }})
    end
{%- endmacro %}

{#- time_decay: by weight; for all touches but the last, which gets what these leave. -#}
{% macro time_decay_credit() -%}
    {{ whole_ratio('(whole_credit * decay_weight)', 'decay_total') }}
{%- endmacro %}

{#- The same of the amount. A product that 64 bits may not hold is divided with more, at many times the cost. -#}
{% macro time_decay_amount() -%}
    case
        when whole_amount < 4000000000
            then {{ whole_ratio('(whole_amount * decay_weight)', 'decay_total') }}
        else cast(
            {{ amount_per('abs(net_revenue) * decay_weight', 'decay_total') }} * 10000 as bigint
        )
    end
{%- endmacro %}

{#- The weight of a touch in time_decay: 0.5 ^ (days before the order / half-life), as a whole number of
    billionths. No engine computes it: every number of days in the window has its figure written out. -#}
{% macro decay_weight(days_before) -%}
    {%- set half_life = attribution_days('attribution_half_life_days') -%}
    case {{ days_before }}
        {%- for days in range(attribution_days('attribution_window_days')) %}
        when {{ days }} then {{ (1000000000 * 0.5 ** (days / half_life)) | round | int }}
        {%- endfor %}
    end
{%- endmacro %}

{#- The block of days, as long as the window, that a date lies in. What lies in the window of an order is of
    the order's block or of the one before: a join by customer and block meets few rows in vain. -#}
{% macro attribution_block(day) -%}
    {{ integer_divide(
        days_between("cast('1900-01-01' as date)", day), attribution_days('attribution_window_days')
    ) }}
{%- endmacro %}

{#- Return on ad spend = attributed revenue / spend; NULL where nothing was spent, or credits outweigh it. -#}
{% macro return_on_ad_spend(revenue, spend) -%}
    case when {{ spend }} > 0 then {{ ratio(revenue, spend) }} end
{%- endmacro %}
