with

variables as (
    select * from {{ ref('segmentation_variables') }}
),

measured as (
    select * from {{ ref('profile_columns') }}
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
    cast(measured.profile_count as bigint) as profile_count,
    cast(measured.filled_count as bigint) as filled_count,
    measured.fill_rate,
    case
        when measured.association_method is not null then 'retention_rate'
    end as association_goal,
    measured.association_method,
    measured.association,
    measured.sample_size as association_sample_size
from variables
left join measured
    on
        variables.is_available
        and variables.entity = measured.entity
        and trim(split_part(variables.column_names, ',', 1)) = measured.column_name
