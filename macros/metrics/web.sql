{#- How web events are put together. -#}

{#- The time without an event after which a visitor without a session_id begins a new session. -#}
{% macro session_gap_minutes() -%}
    {{ return(30) }}
{%- endmacro %}

{#- The most customers that may sign in on a device before it counts as shared, and its anonymous events
    as nobody's. -#}
{% macro most_customers_of_a_device() -%}
    {{ return(5) }}
{%- endmacro %}

{#- Whether a web event touches a cart. -#}
{% macro touches_cart(event_name) -%}
    {{ event_name }} in ('add_to_cart', 'remove_from_cart', 'checkout_started')
{%- endmacro %}
