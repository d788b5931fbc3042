with

needs as (
    {{ segment_needs_rows() | trim }}
),

landed as (
    select distinct entity
    from {{ source('run', 'source_files') }}
    where retracted_at is null and accepted_rows > 0
)

select
    needs.segment_model,
    {{ joined_in_order('needs.entity', 'needs.entity') }} as missing_sources
from needs
left join landed
    on needs.entity = landed.entity
where landed.entity is null
group by needs.segment_model
