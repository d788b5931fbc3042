{#- What the models of business accounts say several times (definitions: docs/accounts.md). -#}

{#- How often account_hierarchy doubles the part of a chain of parents that it sees: 4 times make 16. -#}
{% macro account_chain_doublings() -%}
    {{ return(4) }}
{%- endmacro %}

{#- A text in lower snake case; NULL when blank. -#}
{% macro snake_case(text) -%}
    nullif(replace(replace(lower(trim({{ text }})), ' ', '_'), '-', '_'), '')
{%- endmacro %}

{#- The value of an attribute in the latest row that has it, as a string: an aggregate over rows with
    `observation_number`. `has` is a condition that says which rows have it; by default those where it is
    not NULL. Numbers of one width compare as texts do, and every engine knows the maximum of texts. -#}
{% macro latest_known(value, has=none) -%}
    nullif(
        substr(max(
            lpad(cast(observation_number as string), 10, '0')
            || coalesce(cast({{ value }} as string), '')
        ) filter (where {{ has or value ~ ' is not null' }}), 11), ''
    )
{%- endmacro %}

{#- high, medium or low: above the upper tercile cut, above the lower one, else; low without an order. Cut points
    are columns <measure>_lower_cut and <measure>_upper_cut, scaled by 3. -#}
{% macro account_level(value, measure, order_count) -%}
    case
        when {{ order_count }} > 0 and {{ value }} * 3 > {{ measure }}_upper_cut then 'high'
        when {{ order_count }} > 0 and {{ value }} * 3 > {{ measure }}_lower_cut then 'medium'
        else 'low'
    end
{%- endmacro %}

{#- Whether a value lies in a half-open band of a seed with the columns <bound>_from and <bound>_below, of
    which the last is empty in the last band. A condition. -#}
{% macro in_band(value, bound) -%}
    {{ value }} >= {{ bound }}_from
    and ({{ bound }}_below is null or {{ value }} < {{ bound }}_below)
{%- endmacro %}
