{#- What the engines say differently about texts. -#}

{#- Whether the whole of a text is what a regular expression describes; NULL where either is NULL. -#}
{% macro matches_whole(text, pattern) -%}
    {{ return(adapter.dispatch('matches_whole', 'clientele')(text, pattern)) }}
{%- endmacro %}

{% macro duckdb__matches_whole(text, pattern) -%}
    /*engine*/ regexp_full_match({{ text }}, {{ pattern }}) /*end engine*/
{%- endmacro %}


{#- The texts of a group in the order of `order_key`, which differs from row to row, joined by the text `separator`;
    NULL where there is none. An aggregate. -#}
{% macro joined_in_order(text, order_key, separator="', '") -%}
    {{ return(adapter.dispatch('joined_in_order', 'clientele')(text, order_key, separator)) }}
{%- endmacro %}

{% macro duckdb__joined_in_order(text, order_key, separator) -%}
    /*engine*/ string_agg({{ text }}, {{ separator }} order by {{ order_key }} asc nulls last)
    /*end engine*/
{%- endmacro %}
