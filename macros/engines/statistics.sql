{#- What statistics needs and decimals do not give: quotients and square roots of doubles. They are taken of exact
    sums (decimals), so that the order of rows never shows; IEEE 754 says what both engines answer, and what is
    stored is rounded to a decimal again. -#}

{#- `dividend` / `divisor` as a double; NULL when the divisor is 0. -#}
{% macro double_ratio(dividend, divisor) -%}
    {{ return(adapter.dispatch('double_ratio', 'clientele')(dividend, divisor)) }}
{%- endmacro %}

{% macro duckdb__double_ratio(dividend, divisor) -%}
    /*engine*/ cast({{ dividend }} as double) / nullif(cast({{ divisor }} as double), 0) /*end engine*/
{%- endmacro %}


{#- The square root as a double; of less than 0, which only a rounding makes of a variance, it is 0. -#}
{% macro square_root(value) -%}
    {{ return(adapter.dispatch('square_root', 'clientele')(value)) }}
{%- endmacro %}

{% macro duckdb__square_root(value) -%}
    /*engine*/ sqrt(case when {{ value }} < 0 then 0 else cast({{ value }} as double) end) /*end engine*/
{%- endmacro %}


{#- A double as decimal(18, `scale`), rounded half even. -#}
{% macro rounded_double(value, scale=6) -%}
    {{ return(adapter.dispatch('rounded_double', 'clientele')(value, scale)) }}
{%- endmacro %}

{% macro duckdb__rounded_double(value, scale) -%}
    /*engine*/ cast(round_even({{ value }}, {{ scale }}) as decimal(18, {{ scale }})) /*end engine*/
{%- endmacro %}
