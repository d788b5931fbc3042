{%- set definitions = segment_kpi_definitions() -%}
{%- set entities = [] -%}
{%- for definition in definitions -%}
{%- for entity in definition.inputs if entity not in entities -%}
{%- do entities.append(entity) -%}
{%- endfor -%}
{%- endfor %}

with

formulas as (
    select * from {{ ref('kpi_formulas') }}
),

inputs as (
    select * from {{ ref('kpi_inputs') }}
),

definitions as (
    {%- for definition in definitions %}
    select
        '{{ definition.kpi }}' as kpi,
        '{{ definition.category }}' as category,
        '{{ definition.unit }}' as unit,
        {{ 'true' if definition.is_share else 'false' }} as is_share,
        {{ 'true' if definition.is_lower_better else 'false' }} as is_lower_better,
        '{{ definition.kind }}' as kind,
        '{{ definition.grains | join(", ") }}' as grains,
        {{ 1 if definition.any_input else definition.inputs | length }} as needed_count
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

needs as (
    {%- for definition in definitions if definition.inputs %}
    {%- set is_last_definition = loop.last %}
    {%- for entity in definition.inputs %}
    select
        '{{ definition.kpi }}' as kpi,
        '{{ entity }}' as entity
    {%- if not (loop.last and is_last_definition) %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
),

met as (
    select
        needs.kpi,
        concat_ws(
            ', '
            {%- for entity in entities | sort %},
            max(case when needs.entity = '{{ entity }}' then needs.entity end)
            {%- endfor %}
        ) as inputs,
        concat_ws(
            ', '
            {%- for entity in entities | sort %},
            max(case
                when needs.entity = '{{ entity }}' and inputs.row_count = 0 then needs.entity
            end)
            {%- endfor %}
        ) as inputs_missing,
        count(*) filter (where inputs.row_count > 0) as met_count
    from needs
    inner join inputs
        on needs.entity = inputs.entity
    group by needs.kpi
)

select
    definitions.kpi,
    definitions.category,
    formulas.company_kpi,
    definitions.unit,
    definitions.is_share,
    definitions.is_lower_better,
    formulas.formula,
    definitions.kind,
    definitions.grains,
    coalesce(met.inputs, '') as inputs,
    coalesce(met.inputs_missing, '') as inputs_missing,
    coalesce(met.met_count, 0) >= definitions.needed_count as is_computed,
    case
        when coalesce(met.met_count, 0) < definitions.needed_count
            then 'no row that counts by as_of has landed of: ' || met.inputs_missing
    end as reason
from definitions
left join formulas
    on definitions.kpi = formulas.kpi
left join met
    on definitions.kpi = met.kpi
