{#- What the engines say differently about texts. -#}

{#- Whether the whole of a text is what a regular expression describes; NULL where either is NULL. -#}
{% macro matches_whole(text, pattern) -%}
    {{ return(adapter.dispatch('matches_whole', 'clientele')(text, pattern)) }}
{%- endmacro %}

{% macro duckdb__matches_whole(text, pattern) -%}
    /*engine*/ regexp_full_match({{ text }}, {{ pattern }}) /*end engine*/
{%- endmacro %}
