{#- The columns that the contract of a model declares, in its order, with their types, or those of them whose meta
    has `mark`; as_of alone, or none of them, while dbt parses. -#}
{% macro declared_types(model_name, mark=none) -%}
    {%- set types = {} if execute or mark is not none else {'as_of': 'timestamp'} -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.name == model_name -%}
            {%- for column in node.columns.values() if mark is none or column.config.meta.get(mark) -%}
                {%- do types.update({column.name: column.data_type}) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(types) }}
{%- endmacro %}

{% macro declared_columns(model_name) -%}
    {{ return(declared_types(model_name).keys() | list) }}
{%- endmacro %}

{#- Of a row with a column for each of `columns`, `prefix` before its name, the one that `column_name` names. A case
    in one query, because a union of as many queries takes four times as long to plan. -#}
{% macro of_named_column(columns, prefix='') -%}
    case column_name
            {%- for column in columns %}
            when '{{ column }}' then {{ prefix }}{{ column }}
            {%- endfor %}
        end
{%- endmacro %}

{#- A query with one row per declared column of `model_name`: how many of the `relation`'s rows have it, and how it is
    held against the goal if it is a variable. One pass over the relation counts them all. -#}
{% macro filled_counts(entity, model_name, relation) -%}
    {%- set columns = declared_columns(model_name) -%}
    {%- set variables = declared_types(model_name, 'is_variable') -%}
    with

    counts as (
        select
            {% for column in columns -%}
            count({{ column }}) as {{ column }},
            {% endfor -%}
            count(*) as profile_count
        from {{ relation }}
    ),

    named as (
        select
            column_name,
            association_method
        from (
            values
            {%- for column in columns %}
            ('{{ column }}', {{ text_literal(
                association_method(column, variables[column]) if column in variables else none
            ) }}){{ "," if not loop.last }}
            {%- endfor %}
        ) as named_columns (column_name, association_method)
    )

    select
        '{{ entity }}' as entity,
        named.column_name,
        counts.profile_count,
        {{ of_named_column(columns) }} as filled_count,
        named.association_method
    from named
    cross join counts
{%- endmacro %}
