-- A catalogue that names columns which the profiles lack sends analysts to look for what is not
-- there.
with

variables as (
    select * from {{ ref('segmentation_variables') }} where is_available
),

columns_found as (
    select
        variables.variable,
        variables.name,
        variables.column_names,
        count(fill_rates.column_name) as found_count
    from variables
    left join {{ ref('profile_fill_rates') }} as fill_rates
        on
            variables.entity = fill_rates.entity
            and contains(
                ', ' || variables.column_names || ',', ', ' || fill_rates.column_name || ','
            )
    group by variables.variable, variables.name, variables.column_names
)

select
    variable,
    name,
    column_names
from columns_found
where found_count <> 1 + length(column_names) - length(replace(column_names, ',', ''))
