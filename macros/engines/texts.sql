{#- What the engines say differently about texts. -#}

{#- Whether the whole of a text is what a regular expression describes; NULL where either is NULL. -#}
{% macro matches_whole(text, pattern) -%}
    {{ return(adapter.dispatch('matches_whole', 'clientele')(text, pattern)) }}
{%- endmacro %}

{% macro duckdb__matches_whole(text, pattern) -%}
    /*engine*/ regexp_full_match({{ text }}, {{ pattern }}) /*end engine*/
{%- endmacro %}


{#- What the numbered group of a regular expression is, where the expression first matches; '' where it matches
    nowhere, NULL where the text is NULL. -#}
{% macro matched_part(text, pattern, number) -%}
    {{ return(adapter.dispatch('matched_part', 'clientele')(text, pattern, number)) }}
{%- endmacro %}

{% macro duckdb__matched_part(text, pattern, number) -%}
    /*engine*/ regexp_extract({{ text }}, {{ pattern }}, {{ number }}) /*end engine*/
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


{#- The distinct texts of a JSON list, trimmed and lower case, in alphabetical order, joined by `, `; blanks
    and nulls are left out. NULL for an empty list and for what is no list. -#}
{% macro json_list_text(json) -%}
    {{ return(adapter.dispatch('json_list_text', 'clientele')(json)) }}
{%- endmacro %}

{% macro duckdb__json_list_text(json) -%}
    /*engine*/ nullif(array_to_string(list_sort({{ duckdb__json_list(json) }}), ', '), '') /*end engine*/
{%- endmacro %}


{#- How many distinct texts a JSON list has, as json_list_text counts them; NULL for what is no list. -#}
{% macro json_list_count(json) -%}
    {{ return(adapter.dispatch('json_list_count', 'clientele')(json)) }}
{%- endmacro %}

{% macro duckdb__json_list_count(json) -%}
    /*engine*/ cast(len({{ duckdb__json_list(json) }}) as int) /*end engine*/
{%- endmacro %}

{% macro duckdb__json_list(json) -%}
    case
        when json_type({{ json }}) = 'ARRAY'
            then list_distinct(list_transform(
                from_json({{ json }}, '["varchar"]'), lambda element: nullif(lower(trim(element)), '')
            ))
    end
{%- endmacro %}
