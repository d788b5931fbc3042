{#- The inputs that may land, read from the source definitions and the graph of the project. -#}

{#- The names of the segment models and published tables that read a source, directly or through other
    models, in order of name; empty while dbt parses. -#}
{% macro readers_of_source(source_id) -%}
    {%- set reached = {source_id: true} -%}
    {%- set names = [] -%}
    {%- if execute -%}
        {%- set children = children_of_nodes() -%}
        {%- set queue = [source_id] -%}
        {#- Jinja has no while: no path is longer than there are nodes. -#}
        {%- for _ in graph.nodes if queue -%}
            {%- for child in children.get(queue.pop(), []) if child.unique_id not in reached -%}
                {%- do reached.update({child.unique_id: true}) -%}
                {%- do queue.append(child.unique_id) -%}
                {%- if child.name[:4] in ['seg_', 'grp_'] or child.config.meta.get('published') -%}
                    {%- do names.append(child.name) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(names | sort) }}
{%- endmacro %}

{#- Models by the id of each node they read. -#}
{% macro children_of_nodes() -%}
    {%- set children = {} -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
        {%- for parent in node.depends_on.nodes -%}
            {%- do children.setdefault(parent, []).append(node) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(children) }}
{%- endmacro %}

{#- A whole number of days of a freshness limit, or a typed NULL. -#}
{% macro freshness_days(limit) -%}
    cast({{ limit.count if limit and limit.count else 'null' }} as int)
{%- endmacro %}

{#- A query with a row per input of the contract. `requirement` is required, optional, or the name of the
    group of inputs of which one is required. -#}
{% macro declared_inputs() -%}
    {%- set inputs = [] -%}
    {%- if execute -%}
        {%- for node in graph.sources.values() if node.source_name == 'raw' -%}
            {%- do inputs.append(node) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- for input in inputs | sort(attribute='name') %}
    {%- set required = input.config.meta.get('required', false) %}
    select
        {{ text_literal(input.name) }} as entity,
        {{ text_literal(input.config.meta.get('owner')) }} as owner,
        {{ text_literal({true: 'required', false: 'optional'}.get(required, required)) }} as requirement,
        {{ freshness_days(input.freshness.warn_after if input.freshness) }} as warn_after_days,
        {{ freshness_days(input.freshness.error_after if input.freshness) }} as error_after_days,
        {{ text_literal(readers_of_source(input.unique_id) | join(', ') or none) }} as used_by
    {% if not loop.last %}union all{% endif %}
    {%- else %}
    select
        cast(null as string) as entity,
        cast(null as string) as owner,
        cast(null as string) as requirement,
        cast(null as int) as warn_after_days,
        cast(null as int) as error_after_days,
        cast(null as string) as used_by
    where false
    {%- endfor %}
{%- endmacro %}
