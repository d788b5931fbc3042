{#- The catalogue of segments, read from the segment files themselves: their config(meta=...), their
    SQL, and the lists in dbt_project.yml. Faults are compiler errors that say what to do. -#}

{#- The models of the catalogue in the order of dbt_project.yml: dicts with `model`, `key` (of a single
    segment, else none) and `kind`. Knows no metadata, so it works while dbt parses. -#}
{% macro segment_models() -%}
    {%- set models = [] -%}
    {%- for name in var('segments') -%}
        {%- do models.append({'model': 'seg_' ~ name, 'key': name, 'kind': 'single'}) -%}
    {%- endfor -%}
    {%- for name in var('segment_groups') -%}
        {%- do models.append({'model': 'grp_' ~ name, 'key': none, 'kind': 'group member'}) -%}
    {%- endfor -%}
    {{ return(models) }}
{%- endmacro %}

{#- Whether a segment or group file is part of the project: all are but those under vars.segments_off and
    vars.segment_groups_off. For a file's own config, as `enabled=segment_is_on(model.name)`. -#}
{% macro segment_is_on(model_name) -%}
    {%- set name = model_name[4:] -%}
    {%- set list = 'segment_groups' if model_name[:4] == 'grp_' else 'segments' -%}
    {{ return(name in var(list) or name not in var(list ~ '_off', [])) }}
{%- endmacro %}

{#- Where the file of a segment is, or belongs. -#}
{% macro segment_path(model_name, node=none) -%}
    {{ return(node.original_file_path if node else 'models/segments/' ~ model_name ~ '.sql') }}
{%- endmacro %}

{#- The node of a model in dbt's graph; none while dbt parses, and in a unit test, which has no graph. -#}
{% macro segment_node(model_name) -%}
    {%- set found = namespace(node=none) -%}
    {%- if execute and graph.nodes is defined -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.name == model_name -%}
            {%- set found.node = node -%}
        {%- endfor -%}
        {%- if found.node is none -%}
            {{ exceptions.raise_compiler_error(
                "Segment file " ~ segment_path(model_name) ~ " is missing but listed in dbt_project.yml; "
                ~ "write the file, or take its line out of the list."
            ) }}
        {%- endif -%}
    {%- endif -%}
    {{ return(found.node) }}
{%- endmacro %}

{#- For every segment or group file that no list of dbt_project.yml names, the line to add; nothing
    while dbt parses. -#}
{% macro unlisted_segment_files() -%}
    {%- set listed = segment_models() | map(attribute='model') | list -%}
    {%- set lists = {'seg_': 'segments', 'grp_': 'segment_groups'} -%}
    {%- set lines = [] -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values()
            if node.resource_type == 'model' and node.name[:4] in lists and node.name not in listed -%}
            {%- do lines.append(
                node.original_file_path ~ ' is not listed; add the line "- ' ~ node.name[4:]
                ~ '" under vars.' ~ lists[node.name[:4]] ~ ' in dbt_project.yml'
            ) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(lines) }}
{%- endmacro %}

{#- The metadata of a segment or group file with every required entry there. -#}
{% macro segment_meta(model_name, section, required) -%}
    {%- set node = segment_node(model_name) -%}
    {%- if node is none -%}
        {{ return({}) }}
    {%- endif -%}
    {%- set meta = node.config.meta.get(section, {}) -%}
    {%- for entry in required if meta.get(entry) in [none, ''] -%}
        {{ exceptions.raise_compiler_error(
            "Segment file " ~ segment_path(model_name, node) ~ " has no " ~ entry
            ~ "; add '" ~ entry ~ "' to config(meta={'" ~ section ~ "': {...}}) at its top."
        ) }}
    {%- endfor -%}
    {%- if meta.get('entity', 'customer') not in ['customer', 'account'] -%}
        {{ exceptions.raise_compiler_error(
            "Segment file " ~ segment_path(model_name, node) ~ " has the entity " ~ meta.get('entity')
            ~ "; a segment is of customers or of accounts: write 'customer' or 'account'."
        ) }}
    {%- endif -%}
    {{ return(meta) }}
{%- endmacro %}

{#- A short hash of what defines a segment: its SQL, the seeds named in `defined_by` and the variables
    named in `variables` of its metadata. White space does not count. -#}
{% macro segment_definition_version(model_name, section) -%}
    {%- set node = segment_node(model_name) -%}
    {%- if node is none -%}
        {{ return('') }}
    {%- endif -%}
    {%- set meta = node.config.meta.get(section, {}) -%}
    {%- set parts = [node.raw_code.split('}}', 1)[-1].split() | join(' ')] -%}
    {%- for seed_name in meta.get('defined_by', []) -%}
        {%- for seed in graph.nodes.values() if seed.resource_type == 'seed' and seed.name == seed_name -%}
            {%- do parts.append(seed.checksum.checksum) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for name in meta.get('variables', []) -%}
        {%- do parts.append(name ~ '=' ~ var(name)) -%}
    {%- endfor -%}
    {{ return(local_md5(parts | join('\n'))[:12]) }}
{%- endmacro %}

{#- A SQL string literal, or a typed NULL. -#}
{% macro text_literal(value) -%}
    {%- if value is none -%}cast(null as string)
    {%- else -%}'{{ value | string | replace("'", "''") }}'
    {%- endif -%}
{%- endmacro %}

{#- A query: every key that a file of the project has or a group's seed names, once, whether on or off. -#}
{% macro project_segment_keys() -%}
select distinct exclusive_group || '_' || member as segment_key
from {{ ref('segment_group_members') }}
{%- for name in var('segments') + var('segments_off') %}
union
select {{ text_literal(name) }} as segment_key
{%- endfor %}
{%- endmacro %}

{#- A query with a row per single segment of the catalogue. -#}
{% macro single_segment_rows() -%}
    {%- set required = ['owner', 'objective', 'goal_kpi', 'priority', 'minimum_size', 'review_by'] -%}
    {%- for entry in segment_models() if entry.kind == 'single' %}
    {%- set node = segment_node(entry.model) %}
    {%- set meta = segment_meta(entry.model, 'segment', required) %}
    select
        {{ text_literal(entry.key) }} as segment_key,
        {{ text_literal(entry.model) }} as segment_model,
        {{ text_literal(meta.get('name', entry.key.replace('_', ' ').capitalize())) }} as name,
        {{ text_literal((node.description if node else '') or meta.get('description') or meta.get('objective')) }}
            as description,
        {{ text_literal(meta.get('owner')) }} as owner,
        {{ text_literal(meta.get('objective')) }} as objective,
        {{ text_literal(meta.get('goal_kpi')) }} as goal_kpi,
        cast({{ meta.get('priority', 0) | int }} as int) as priority,
        cast({{ meta.get('minimum_size', 0) | int }} as int) as minimum_size,
        '{{ 'frozen' if meta.get('frozen') else 'single' }}' as kind,
        cast(null as string) as exclusive_group,
        {{ text_literal(segment_definition_version(entry.model, 'segment')) }} as definition_version,
        cast({{ text_literal(meta.get('review_by')) }} as date) as review_by,
        {{ segment_needs_columns(meta) }},
        cast(null as int) as value_rank
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
{%- endmacro %}

{#- What the catalogue says besides: of whom the segment is, without which inputs it says nothing, and
    for how many days a frozen list holds. -#}
{% macro segment_needs_columns(meta) -%}
        '{{ meta.get('entity', 'customer') }}' as entity,
        {{ text_literal((meta.get('needs') or []) | sort | join(', ') or none) }} as needed_sources,
        cast({{ meta.get('maximum_age_days') or 'null' }} as int) as maximum_age_days
{%- endmacro %}

{#- A query with a row per exclusive group: which seed rows describe its members, and its metadata. -#}
{% macro segment_group_rows() -%}
    {%- set required = ['exclusive_group', 'variant', 'owner', 'review_by'] -%}
    {%- for entry in segment_models() if entry.kind == 'group member' %}
    {%- set meta = segment_meta(entry.model, 'segment_group', required) %}
    select
        {{ text_literal(meta.get('exclusive_group')) }} as exclusive_group,
        {{ text_literal(meta.get('variant')) }} as variant,
        {{ text_literal(entry.model) }} as segment_model,
        {{ text_literal(meta.get('owner')) }} as owner,
        {{ text_literal(segment_definition_version(entry.model, 'segment_group')) }} as definition_version,
        cast({{ text_literal(meta.get('review_by')) }} as date) as review_by,
        {{ segment_needs_columns(meta) }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
{%- endmacro %}

{#- The keys of a priority list, refused when two of them share a priority, when a key is not in the
    catalogue, or when the list does not exist. -#}
{% macro priority_list(list_name) -%}
    {%- set lists = var('priority_lists') -%}
    {%- if list_name not in lists -%}
        {{ exceptions.raise_compiler_error(
            "Priority list " ~ list_name ~ " is not in vars.priority_lists of dbt_project.yml; add it."
        ) }}
    {%- endif -%}
    {%- set keys = lists[list_name] -%}
    {%- set seen = {} -%}
    {%- for key in keys -%}
        {%- if key not in var('segments') -%}
            {{ exceptions.raise_compiler_error(
                "Priority list " ~ list_name ~ " names " ~ key ~ ", which is not in vars.segments; "
                ~ "take it out of the list, or switch the segment on."
            ) }}
        {%- endif -%}
        {%- set node = segment_node('seg_' ~ key) -%}
        {%- if node is not none -%}
            {%- set priority = node.config.meta.get('segment', {}).get('priority') -%}
            {%- if priority in seen -%}
                {{ exceptions.raise_compiler_error(
                    "Segments " ~ seen[priority] ~ " and " ~ key ~ " share priority " ~ priority
                    ~ " in priority list " ~ list_name ~ "; give one of them another priority."
                ) }}
            {%- endif -%}
            {%- do seen.update({priority: key}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(keys) }}
{%- endmacro %}

{#- The metadata of a segment model of the catalogue; empty while dbt parses. -#}
{% macro segment_meta_of(entry) -%}
    {%- set node = segment_node(entry.model) -%}
    {%- set section = 'segment' if entry.kind == 'single' else 'segment_group' -%}
    {{ return(node.config.meta.get(section, {}) if node else {}) }}
{%- endmacro %}

{#- A query with a row per segment model and input that it needs; the inputs are those of the contract. -#}
{% macro segment_needs_rows() -%}
    {%- set known = [] -%}
    {%- set rows = [] -%}
    {%- if execute -%}
        {%- for source in graph.sources.values() if source.source_name == 'raw' -%}
            {%- do known.append(source.name) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- for entry in segment_models() -%}
        {%- for entity in segment_meta_of(entry).get('needs') or [] -%}
            {%- if entity not in known -%}
                {{ exceptions.raise_compiler_error(
                    "Segment file " ~ segment_path(entry.model, segment_node(entry.model)) ~ " needs " ~ entity
                    ~ ", which is no input; write one of " ~ known | sort | join(', ') ~ "."
                ) }}
            {%- endif -%}
            {%- do rows.append((entry.model, entity)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for segment_model, entity in rows %}
    select
        '{{ segment_model }}' as segment_model,
        '{{ entity }}' as entity
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- else %}
    select
        cast(null as string) as segment_model,
        cast(null as string) as entity
    where false
    {%- endfor %}
{%- endmacro %}
