{#- What the engines say differently about exact numbers. Nothing here passes through a double. -#}

{#- `value` rounded half even to `scale` places, as decimal(`precision`, `scale`). -#}
{% macro round_half_even(value, scale=4, precision=18) -%}
    {{ return(adapter.dispatch('round_half_even', 'clientele')(value, scale, precision)) }}
{%- endmacro %}

{% macro duckdb__round_half_even(value, scale, precision) -%}
    /*engine*/ cast(round_even({{ value }}, {{ scale }}) as decimal({{ precision }}, {{ scale }})) /*end engine*/
{%- endmacro %}


{#- Whole part of the quotient of two whole numbers that are not negative. -#}
{% macro integer_divide(dividend, divisor) -%}
    {{ return(adapter.dispatch('integer_divide', 'clientele')(dividend, divisor)) }}
{%- endmacro %}

{% macro duckdb__integer_divide(dividend, divisor) -%}
    /*engine*/ cast(({{ dividend }}) // ({{ divisor }}) as bigint) /*end engine*/
{%- endmacro %}


{#- `numerator` / `denominator`, exact and rounded half even to `scale` places; NULL when the
    denominator is 0 or either is NULL. Arguments are whole numbers or decimals of at most 4 places
    and 22 digits. DuckDB divides decimals as doubles, so this divides 128-bit integers. -#}
{% macro exact_ratio(numerator, denominator, scale=6, precision=18) -%}
    {{ return(adapter.dispatch('exact_ratio', 'clientele')(numerator, denominator, scale, precision)) }}
{%- endmacro %}

{% macro duckdb__exact_ratio(numerator, denominator, scale, precision) -%}
    {%- set n = "cast(abs(cast(" ~ numerator ~ " as decimal(38, 4))) * 10000 as hugeint) * 1" ~ '0' * scale -%}
    {%- set d = "nullif(cast(abs(cast(" ~ denominator ~ " as decimal(38, 4))) * 10000 as hugeint), 0)" -%}
    /*engine*/ cast(
        case when (({{ numerator }}) < 0) = (({{ denominator }}) < 0) then 1 else -1 end
        * cast(
            ({{ n }}) // {{ d }}
            + case
                when 2 * (({{ n }}) % {{ d }}) > {{ d }} then 1
                when 2 * (({{ n }}) % {{ d }}) = {{ d }} then (({{ n }}) // {{ d }}) % 2
                else 0
            end as decimal({{ 38 - scale - 1 }}, 0)
        )
        * {{ '0.' ~ '0' * (scale - 1) ~ '1' }} as decimal({{ precision }}, {{ scale }})
    ) /*end engine*/
{%- endmacro %}


{#- The median of whole numbers as decimal(18,4): the mean of the middle two where there are two.
    An aggregate. -#}
{% macro exact_median(value) -%}
    {{ return(adapter.dispatch('exact_median', 'clientele')(value)) }}
{%- endmacro %}

{% macro duckdb__exact_median(value) -%}
    /*engine*/ cast(median(cast({{ value }} as decimal(18, 4))) as decimal(18, 4)) /*end engine*/
{%- endmacro %}
