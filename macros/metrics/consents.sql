{#- What a customer has agreed to. -#}

{#- Whether the last change for a purpose, and a channel or all of them (any channel where none is given),
    granted it; a withdrawal wins over a grant of the same instant, and without a change it is not granted.
    An aggregate over changes of consent. -#}
{% macro is_granted_last(purpose, channel=none) -%}
    {%- set concerned -%}
        purpose = '{{ purpose }}'{% if channel %} and channel in ('{{ channel }}', 'all'){% endif %}
    {%- endset -%}
    coalesce(
        max(changed_at) filter (where is_granted and {{ concerned }})
        > max(changed_at) filter (where not is_granted and {{ concerned }}),
        bool_or(is_granted) filter (where {{ concerned }}),
        false
    )
{%- endmacro %}
