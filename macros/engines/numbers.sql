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


{#- A number as the engine's double, for correlation_with_flag alone. -#}
{% macro as_double(value) -%}
    {{ return(adapter.dispatch('as_double', 'clientele')(value)) }}
{%- endmacro %}

{% macro duckdb__as_double(value) -%}
    /*engine*/ cast({{ value }} as double) /*end engine*/
{%- endmacro %}


{#- The correlation (Pearson) of a number x with a flag, rounded half even to 4 places, from one row for the flag and
    one for its opposite: how many have x, and as_double of the exact sums of x and of its square. NULL where the flag
    is always the same. A square root is no decimal; of two doubles the sum is the same in either order. An aggregate. -#}
{% macro correlation_with_flag(flag, row_count, sum_x, sum_of_squares) -%}
    {{ return(adapter.dispatch('correlation_with_flag', 'clientele')(flag, row_count, sum_x, sum_of_squares)) }}
{%- endmacro %}

{% macro duckdb__correlation_with_flag(flag, row_count, sum_x, sum_of_squares) -%}
    {%- set n = "cast(sum(" ~ row_count ~ ") as double)" -%}
    {%- set k = "cast(sum(" ~ row_count ~ ") filter (where " ~ flag ~ ") as double)" -%}
    {%- set x = "sum(" ~ sum_x ~ ")" -%}
    /*engine*/ cast(round_even(
        ({{ n }} * sum({{ sum_x }}) filter (where {{ flag }}) - {{ k }} * {{ x }})
        / nullif(
            sqrt(greatest({{ n }} * sum({{ sum_of_squares }}) - {{ x }} * {{ x }}, 0))
            * sqrt({{ k }} * ({{ n }} - {{ k }})),
            0
        ), 4
    ) as decimal(18, 4)) /*end engine*/
{%- endmacro %}
