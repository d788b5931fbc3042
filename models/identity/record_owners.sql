-- Who would be one customer, whether anybody of them asked to be forgotten or not.
with

records as (
    select * from {{ ref('source_records') }}
),

components as (
    select * from {{ ref('record_components') }}
),

-- The oldest record of a customer gives it its id; a tie is broken by what the record is called.
firsts as (
    select
        components.component_id,
        records.record_id
    from components
    inner join records
        on components.record_id = records.record_id
    where components.component_id is not null
    qualify
        row_number() over (
            partition by components.component_id
            order by
                records.first_seen_at asc nulls first,
                records.source_system asc nulls last,
                records.reference asc nulls last,
                records.record_kind asc nulls last
        ) = 1
)

select
    records.record_id,
    records.record_kind,
    records.source_system,
    records.reference,
    records.first_seen_at,
    coalesce(firsts.record_id, records.record_id) as customer_id,
    coalesce(components.is_over_merged, false) as is_over_merged
from records
left join components
    on records.record_id = components.record_id
left join firsts
    on components.component_id = firsts.component_id
