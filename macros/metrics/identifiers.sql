{#- How identifiers are normalised and hashed. -#}

{#- A normalised e-mail: trimmed, lower case, NULL when blank. -#}
{% macro normalise_email(email) -%}
    nullif(lower(trim({{ email }})), '')
{%- endmacro %}

{#- The id of the customer whose least source record is (source_system, reference). -#}
{% macro customer_id_of(source_system, reference) -%}
    {{ dbt.hash(source_system ~ " || '|' || " ~ reference) }}
{%- endmacro %}
