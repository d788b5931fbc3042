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


{#- A bound of the 95 % interval of the difference of two rates, k / n less l / m, rounded half even to 6
    places: Newcombe's hybrid score interval (Statistics in Medicine 17, 1998, 873-890, method 10), made of
    Wilson's score intervals of either rate. `bound` is low or high; NULL where n or m is 0. -#}
{% macro newcombe_bound(k, n, l, m, bound) -%}
    {% if bound not in ['low', 'high'] %}
        {{ exceptions.raise_compiler_error("newcombe_bound: bound is low or high, not " ~ bound) }}
    {% endif %}
    {{ return(adapter.dispatch('newcombe_bound', 'clientele')(k, n, l, m, bound)) }}
{%- endmacro %}

{% macro duckdb__newcombe_bound(k, n, l, m, bound) -%}
    {%- set first, second = ('-', '+') if bound == 'low' else ('+', '-') -%}
    {%- set p = duckdb__double_of(k) ~ ' / nullif(' ~ duckdb__double_of(n) ~ ', 0e0)' -%}
    {%- set q = duckdb__double_of(l) ~ ' / nullif(' ~ duckdb__double_of(m) ~ ', 0e0)' -%}
    {%- set a = '(' ~ p ~ ' - ' ~ duckdb__wilson_bound(k, n, first) ~ ')' -%}
    {%- set b = '(' ~ q ~ ' - ' ~ duckdb__wilson_bound(l, m, second) ~ ')' -%}
    /*engine*/ cast(round_even(
        {{ p }} - {{ q }} {{ first }} sqrt({{ a }} * {{ a }} + {{ b }} * {{ b }}), 6
    ) as decimal(18, 6)) /*end engine*/
{%- endmacro %}

{#- Wilson's bound of k / n; 1.959963984540054 is the 97.5th percentile of the normal distribution. -#}
{% macro duckdb__wilson_bound(k, n, sign) -%}
    {%- set x, y = duckdb__double_of(k), duckdb__double_of(n) -%}
    {%- set z, zz = '1.959963984540054e0', '3.841458820694124e0' -%}
    (
        (2 * {{ x }} + {{ zz }} {{ sign }} {{ z }} * sqrt(
            {{ zz }} + 4 * {{ x }} * ({{ y }} - {{ x }}) / nullif({{ y }}, 0e0)
        )) / (2 * ({{ y }} + {{ zz }}))
    )
{%- endmacro %}

{% macro duckdb__double_of(number) -%}
    cast({{ number }} as double)
{%- endmacro %}
