{#- Ages, birthdays and anniversaries; a 29 February is on 1 March in years without one. -#}

{#- Whole years from the date `start` to the date `day`. -#}
{% macro whole_years(start, day) -%}
    year({{ day }}) - year({{ start }}) - case
        when month({{ day }}) * 100 + day({{ day }}) < month({{ start }}) * 100 + day({{ start }}) then 1
        else 0
    end
{%- endmacro %}

{#- The day of the year `year` on which the date `start` returns. -#}
{% macro anniversary_in(start, year) -%}
    {{ add_days('make_date(' ~ year ~ ', month(' ~ start ~ '), 1)', 'day(' ~ start ~ ') - 1') }}
{%- endmacro %}

{#- Days from the date `day` to the next day on which the date `start` returns; 0 on the day itself. -#}
{% macro days_until_anniversary(start, day) -%}
    {%- set this_year = anniversary_in(start, 'year(' ~ day ~ ')') -%}
    case
        when {{ this_year }} >= {{ day }} then {{ days_between(day, this_year) }}
        else {{ days_between(day, anniversary_in(start, 'year(' ~ day ~ ') + 1')) }}
    end
{%- endmacro %}
