{%- set no_value = 'cast(null as decimal(18, 6))' -%}

-- The lines in money: what a programme brought in and its return on cost, by each of three methods.
with

gains as (
    select * from {{ ref('programme_gains') }}
),

costs as (
    select * from {{ ref('programme_costs') }}
),

returns as (
    select
        gains.*,
        {%- for measure in ['gain', 'low_gain', 'high_gain'] %}
        {{ return_on_cost('gains.' ~ measure, 'costs.programme_cost') }} as return_of_{{ measure }},
        {%- endfor %}
        costs.programme_cost
    from gains
    inner join costs
        on gains.programme = costs.programme
)

{% for metric, measures in {
    'revenue': ['control_mean', 'arm_mean', 'effect', 'relative_effect', 'low', 'high'],
    'incremental_revenue': [no_value, 'gain', no_value, no_value, 'low_gain', 'high_gain'],
    'return_on_segmentation': [
        no_value, 'return_of_gain', no_value, no_value, 'return_of_low_gain', 'return_of_high_gain'
    ],
}.items() -%}
select
    programme,
    '{{ metric }}' as metric,
    method,
    {%- for name in [
        'before_value', 'after_value', 'change_absolute', 'change_relative', 'low', 'high'
    ] %}
    cast({{ measures[loop.index0] }} as decimal(18, 6)) as {{ name }},
    {%- endfor %}
    programme_cost,
    sample_size,
    quality_verdict,
    verdict,
    reason
from returns
{%- if metric == 'revenue' %}
-- Before and after of it are a line of the KPIs already.
where method = 'incremental'
{%- endif %}
{%- if not loop.last %}
union all
{% endif %}
{%- endfor %}
