{#- How tables and views are made on DuckDB. dbt builds a table beside the old one, renames both and drops
    the old, so that a database in use never lacks it; nobody uses the work database, which every refresh
    begins anew, and a release is published by other means. So each model is one statement here, which is
    most of what a model with few rows costs (docs/decisions/0010). -#}

{% materialization table, adapter='duckdb', supported_languages=['sql'] %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {{ _drop_what_is_there() }}
    {% call statement('main') -%}
        {%- if config.get('contract').enforced -%}
            {{ create_table_as(false, target_relation, compiled_code) }}
        {%- else -%}
            create table {{ target_relation }} as ({{ compiled_code }})
        {%- endif -%}
    {%- endcall %}
    {{ adapter.commit() }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb', supported_languages=['sql'] %}
    {%- set target_relation = this.incorporate(type='view') -%}
    {{ _drop_what_is_there() }}
    {% call statement('main') -%}
        create view {{ target_relation }} as ({{ compiled_code }})
    {%- endcall %}
    {{ adapter.commit() }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{#- A seed is read by DuckDB itself: dbt reads it by a library that guesses types, to hand DuckDB a file again.
    Columns are found by their names in the file, whatever their order; one that seeds/_seeds.yml declares and
    the file lacks is told, and one without a declared type is a text. -#}
{% materialization seed, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set typed = [] -%}
    {%- for name, type in config.get('column_types', {}).items() -%}
        {%- do typed.append('cast(' ~ name ~ ' as ' ~ type ~ ') as ' ~ name) -%}
    {%- endfor -%}
    {%- do store_result('agate_table', response='OK') -%}
    {{ _drop_what_is_there() }}
    {% call statement('main') -%}
        create table {{ target_relation }} as
        select * {% if typed %}replace ({{ typed | join(', ') }}){% endif %}
        from read_csv(
            '{{ (model.root_path ~ "/" ~ model.original_file_path) | replace("'", "''") }}',
            all_varchar = true,
            header = true,
            skip = 0,
            delim = '{{ config.get("delimiter", ",") }}',
            quote = '"',
            escape = '"'
        )
    {%- endcall %}
    {{ adapter.commit() }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{#- Takes away the table or view of the model that an analyst's run of dbt finds from the one before. -#}
{% macro _drop_what_is_there() -%}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- if existing_relation is not none -%}
        {% call statement('drop') -%}
            drop {{ existing_relation.type }} if exists {{ existing_relation }} cascade
        {%- endcall %}
    {%- endif -%}
{%- endmacro %}
