{#- What the engines say differently about dates and instants. Every instant in the warehouse is a
    TIMESTAMP in UTC; a business date is the date of that instant in the business time zone. -#}

{#- The date of the instant `instant` (UTC) in the time zone named by the expression `time_zone`. -#}
{% macro business_date(instant, time_zone) -%}
    {{ return(adapter.dispatch('business_date', 'clientele')(instant, time_zone)) }}
{%- endmacro %}

{% macro duckdb__business_date(instant, time_zone) -%}
    /*engine*/ cast(timezone({{ time_zone }}, timezone('UTC', {{ instant }})) as date) /*end engine*/
{%- endmacro %}


{#- Whole days from the date `start` to the date `stop`; negative if stop is earlier. -#}
{% macro days_between(start, stop) -%}
    {{ return(adapter.dispatch('days_between', 'clientele')(start, stop)) }}
{%- endmacro %}

{% macro duckdb__days_between(start, stop) -%}
    /*engine*/ cast(({{ stop }}) - ({{ start }}) as int) /*end engine*/
{%- endmacro %}


{#- The date `days` days after the date `day`. -#}
{% macro add_days(day, days) -%}
    {{ return(adapter.dispatch('add_days', 'clientele')(day, days)) }}
{%- endmacro %}

{% macro duckdb__add_days(day, days) -%}
    /*engine*/ cast(({{ day }}) + cast({{ days }} as int) as date) /*end engine*/
{%- endmacro %}


{#- The first day of the month of the date `day`. -#}
{% macro month_start(day) -%}
    {{ return(adapter.dispatch('month_start', 'clientele')(day)) }}
{%- endmacro %}

{% macro duckdb__month_start(day) -%}
    /*engine*/ cast(date_trunc('month', {{ day }}) as date) /*end engine*/
{%- endmacro %}


{#- The last day of the month of the date `day`. -#}
{% macro month_end(day) -%}
    {{ return(adapter.dispatch('month_end', 'clientele')(day)) }}
{%- endmacro %}

{% macro duckdb__month_end(day) -%}
    /*engine*/ cast(last_day({{ day }}) as date) /*end engine*/
{%- endmacro %}


{#- The Monday of the week of the date `day`. -#}
{% macro week_start(day) -%}
    {{ return(adapter.dispatch('week_start', 'clientele')(day)) }}
{%- endmacro %}

{% macro duckdb__week_start(day) -%}
    /*engine*/ cast(date_trunc('week', {{ day }}) as date) /*end engine*/
{%- endmacro %}


{#- The first day of the quarter of the date `day`. -#}
{% macro quarter_start(day) -%}
    {{ return(adapter.dispatch('quarter_start', 'clientele')(day)) }}
{%- endmacro %}

{% macro duckdb__quarter_start(day) -%}
    /*engine*/ cast(date_trunc('quarter', {{ day }}) as date) /*end engine*/
{%- endmacro %}


{#- Calendar months from the month of the date `start` to the month of the date `stop`. -#}
{% macro months_between_dates(start, stop) -%}
    {{ return(adapter.dispatch('months_between_dates', 'clientele')(start, stop)) }}
{%- endmacro %}

{% macro duckdb__months_between_dates(start, stop) -%}
    /*engine*/ cast(
        (year({{ stop }}) - year({{ start }})) * 12 + month({{ stop }}) - month({{ start }}) as int
    ) /*end engine*/
{%- endmacro %}


{#- The ISO day of the week of the date `day`: 1 = Monday to 7 = Sunday. -#}
{% macro iso_weekday(day) -%}
    {{ return(adapter.dispatch('iso_weekday', 'clientele')(day)) }}
{%- endmacro %}

{% macro duckdb__iso_weekday(day) -%}
    /*engine*/ cast(isodow({{ day }}) as int) /*end engine*/
{%- endmacro %}


{#- A query that returns one row per row of `relation` and date from its column `first_day` to its
    column `last_day`, one `step` (day or month) apart, as column `day`; no row where either is NULL. -#}
{% macro date_series(relation, first_day, last_day, step) -%}
    {% if step not in ['day', 'month'] %}
        {{ exceptions.raise_compiler_error("date_series: step is day or month, not " ~ step) }}
    {% endif %}
    {{ return(adapter.dispatch('date_series', 'clientele')(relation, first_day, last_day, step)) }}
{%- endmacro %}

{% macro duckdb__date_series(relation, first_day, last_day, step) -%}
    select
        /*engine*/ cast(
            unnest(generate_series({{ first_day }}, {{ last_day }}, interval 1 {{ step }})) as date
        ) /*end engine*/ as day
    from {{ relation }}
{%- endmacro %}


{#- The instant one microsecond after `instant`. -#}
{% macro next_instant(instant) -%}
    {{ return(adapter.dispatch('next_instant', 'clientele')(instant)) }}
{%- endmacro %}

{% macro duckdb__next_instant(instant) -%}
    /*engine*/ cast({{ instant }} + interval 1 microsecond as timestamp) /*end engine*/
{%- endmacro %}


{#- The first instant (UTC) of the business date `day` in the time zone named by the expression
    `time_zone`. -#}
{% macro first_instant(day, time_zone) -%}
    {{ return(adapter.dispatch('first_instant', 'clientele')(day, time_zone)) }}
{%- endmacro %}

{#- DuckDB takes the second of two local midnights, an hour late; where midnight does not occur it reads
    it with the offset before the change, as wanted. -#}
{% macro duckdb__first_instant(day, time_zone) -%}
    {%- set midnight = "timezone('UTC', timezone(" ~ time_zone ~ ", cast(" ~ day ~ " as timestamp)))" -%}
    /*engine*/ case
        when cast(timezone({{ time_zone }}, timezone('UTC', {{ midnight }} - interval 1 hour)) as date)
            = {{ day }} then {{ midnight }} - interval 1 hour
        else {{ midnight }}
    end /*end engine*/
{%- endmacro %}


{#- The hour of the day, 0 to 23, that clocks in the time zone show at the instant `instant` (UTC). -#}
{% macro local_hour(instant, time_zone) -%}
    {{ return(adapter.dispatch('local_hour', 'clientele')(instant, time_zone)) }}
{%- endmacro %}

{% macro duckdb__local_hour(instant, time_zone) -%}
    /*engine*/ cast(hour(timezone({{ time_zone }}, timezone('UTC', {{ instant }}))) as int) /*end engine*/
{%- endmacro %}


{#- The instant `minutes` elapsed minutes after `instant`; before it where they are negative. -#}
{% macro add_minutes(instant, minutes) -%}
    {{ return(adapter.dispatch('add_minutes', 'clientele')(instant, minutes)) }}
{%- endmacro %}

{% macro duckdb__add_minutes(instant, minutes) -%}
    /*engine*/ cast({{ instant }} + to_minutes({{ minutes }}) as timestamp) /*end engine*/
{%- endmacro %}


{#- Whole seconds from the instant `start` to the instant `stop`, which is not earlier; rounded down. -#}
{% macro seconds_between(start, stop) -%}
    {{ return(adapter.dispatch('seconds_between', 'clientele')(start, stop)) }}
{%- endmacro %}

{% macro duckdb__seconds_between(start, stop) -%}
    /*engine*/ cast((epoch_us({{ stop }}) - epoch_us({{ start }})) // 1000000 as bigint) /*end engine*/
{%- endmacro %}
