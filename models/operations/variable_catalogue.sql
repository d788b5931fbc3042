with

variables as (
    select * from {{ ref('segmentation_variables') }}
),

fill_rates as (
    select * from {{ ref('profile_fill_rates') }}
)

select
    variables.variable,
    variables.name,
    variables.entity,
    variables.description,
    variables.relevance,
    variables.justification,
    variables.column_names,
    variables.is_available,
    variables.unavailable_reason,
    cast(fill_rates.profile_count as bigint) as profile_count,
    cast(fill_rates.filled_count as bigint) as filled_count,
    fill_rates.fill_rate
from variables
left join fill_rates
    on
        variables.is_available
        and variables.entity = fill_rates.entity
        and trim(split_part(variables.column_names, ',', 1)) = fill_rates.column_name
