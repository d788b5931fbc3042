{#- What needs a square root, which is no decimal. IEEE 754 rounds +, -, x, / and the square root of doubles
    correctly, so that engines which do the same steps in the same order get the same double. -#}

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
