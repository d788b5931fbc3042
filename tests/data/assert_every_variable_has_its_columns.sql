-- A catalogue that names columns which the profiles lack sends analysts to look for what is not
-- there. A first column that its contract does not mark as a variable is not measured, in silence.
with

variables as (
    select * from {{ ref('segmentation_variables') }} where is_available
),

columns_found as (
    select
        variables.variable,
        variables.name,
        variables.column_names,
        count(measured.column_name) as found_count,
        count(measured.association_method) filter (
            where measured.column_name = trim(split_part(variables.column_names, ',', 1))
        ) as associated_count
    from variables
    left join {{ ref('profile_columns') }} as measured
        on
            variables.entity = measured.entity
            and contains(
                ', ' || variables.column_names || ',', ', ' || measured.column_name || ','
            )
    group by variables.variable, variables.name, variables.column_names
)

select
    variable,
    name,
    column_names
from columns_found
where
    found_count <> 1 + length(column_names) - length(replace(column_names, ',', ''))
    or associated_count <> 1
