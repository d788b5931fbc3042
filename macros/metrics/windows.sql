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

{#- Joins events to the last as_of before them on their business day (as_of_cuts), at most one: the rows of
    a day that share it are known together at every as_of. A condition; the columns are occurred_at and
    occurred_on. -#}
{% macro of_cut(events, cuts) -%}
    {{ events }}.occurred_on = {{ cuts }}.cut_on
    and {{ events }}.occurred_at > {{ cuts }}.cut_at
    and ({{ cuts }}.next_cut_at is null or {{ events }}.occurred_at <= {{ cuts }}.next_cut_at)
{%- endmacro %}

{#- Whether an event lies in the last `days` business days and the one of its kind before it does not, so
    that what it is an event of counts once in the window. The columns are occurred_on,
    previous_occurred_on and as_of_on. -#}
{% macro is_first_in_window(events, spine, days) -%}
    {{ in_last_days(events ~ '.occurred_on', spine ~ '.as_of_on', days) }}
    and (
        {{ events }}.previous_occurred_on is null
        or {{ events }}.previous_occurred_on
        <= {{ add_days(spine ~ '.as_of_on', -1 * (days | int)) }}
    )
{%- endmacro %}
