{#- The windows, in business days, over which activity is counted. Their names are suffixes of
    published columns. -#}
{% macro activity_windows() -%}
    {{ return([30, 90, 365]) }}
{%- endmacro %}

{#- A whole number of days from a dbt variable, or none. Anything else is refused before it can
    reach SQL. -#}
{% macro days_var(name) -%}
    {%- set value = var(name) -%}
    {%- if value is none -%}
        {{ return(none) }}
    {%- endif -%}
    {%- if value is not integer or value < 1 -%}
        {{ exceptions.raise_compiler_error(
            "Variable " ~ name ~ " is " ~ value ~ "; give a whole number of days above 0, or null for the lifetime."
        ) }}
    {%- endif -%}
    {{ return(value) }}
{%- endmacro %}

{#- A dbt variable that must be one of a list. -#}
{% macro choice_var(name, choices) -%}
    {%- set value = var(name) -%}
    {%- if value not in choices -%}
        {{ exceptions.raise_compiler_error(
            "Variable " ~ name ~ " is " ~ value ~ "; give one of " ~ choices | join(', ') ~ "."
        ) }}
    {%- endif -%}
    {{ return(value) }}
{%- endmacro %}
