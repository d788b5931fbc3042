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

{#- The number of a web session: its visitor's, followed by the ten digits of the second in which it started.
    Two sessions of one visitor start more than session_gap_minutes() apart. -#}
{% macro session_key(visitor_number, started_at) -%}
    {{ visitor_number }} * 10000000000
    + {{ seconds_between("cast('1970-01-01 00:00:00' as timestamp)", started_at) }}
{%- endmacro %}
