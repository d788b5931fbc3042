{#- Schemas are named as they are configured, without the target's schema in front: the published
    names are a contract. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}
