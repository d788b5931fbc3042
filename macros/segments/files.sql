{#- A query with a row per file of the catalogue: segment_model and file, for sentences that name it. The
    graph is walked once, whatever the number of segments; no rows while dbt parses. -#}
{% macro segment_file_rows() -%}
    {%- set listed = segment_models() | map(attribute='model') | list -%}
    {%- set rows = [] -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.name in listed -%}
            {%- do rows.append(
                'select ' ~ text_literal(node.name) ~ ' as segment_model, '
                ~ text_literal(node.original_file_path) ~ ' as file'
            ) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(
        rows | join(' union all ') if rows
        else 'select cast(null as string) as segment_model, cast(null as string) as file where false'
    ) }}
{%- endmacro %}
