with

catalogue as (
    select * from {{ ref('segment_catalogue') }}
),

observations as (
    select * from {{ source('run', 'observations') }}
)

select
    catalogue.segment_key,
    catalogue.segment_model,
    observations.as_of,
    catalogue.definition_version,
    observations.basis,
    cast(
        row_number() over (
            partition by catalogue.segment_key order by observations.as_of asc nulls last
        ) as int
    ) as step
from catalogue
inner join observations
    on catalogue.segment_model = observations.segment_model
-- A frozen list begins with the refresh that first looks it up.
where catalogue.kind <> 'frozen' or observations.basis = 'published'
