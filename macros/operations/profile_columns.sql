{#- The columns that the contract of a model declares, in its order; as_of alone while dbt parses. -#}
{% macro declared_columns(model_name) -%}
    {%- set names = [] if execute else ['as_of'] -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.name == model_name -%}
            {%- do names.extend(node.columns.keys()) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(names) }}
{%- endmacro %}

{#- A query with one row per declared column of `model_name`: how many of the `relation`'s rows have it. One pass
    over the relation counts them all. -#}
{% macro filled_counts(entity, model_name, relation) -%}
    with

    counts as (
        select
            {% for column in declared_columns(model_name) -%}
            count({{ column }}) as {{ column }},
            {% endfor -%}
            count(*) as profile_count
        from {{ relation }}
    )
    {% for column in declared_columns(model_name) %}
    select
        '{{ entity }}' as entity,
        '{{ column }}' as column_name,
        profile_count,
        {{ column }} as filled_count
    from counts
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}
