-- The why of every link that holds. Of the records that carry one identifier, the least stands for
-- it and the others are linked to it: as many rows as show how a customer holds together.
with

identifiers as (
    select * from {{ ref('shared_identifiers') }}
),

components as (
    select * from {{ ref('record_components') }}
),

erased as (
    select * from {{ ref('erased_records') }}
),

-- A kind of link that an over-merged component dropped explains nothing any more.
carried as (
    select
        identifiers.record_id,
        identifiers.identifier_kind,
        min(identifiers.record_id) over (
            partition by
                components.component_id,
                identifiers.identifier_kind,
                identifiers.identifier_value
        ) as linked_record_id
    from identifiers
    inner join components
        on identifiers.record_id = components.record_id
    left join erased
        on identifiers.record_id = erased.record_id
    where
        components.component_id is not null
        and erased.record_id is null
        and (
            components.linked_by = 'all'
            or (
                components.linked_by = 'email or phone'
                and identifiers.identifier_kind <> 'probable'
            )
            or (components.linked_by = 'email' and identifiers.identifier_kind = 'email')
        )
)

select distinct
    record_id,
    linked_record_id,
    identifier_kind
from carried
where record_id <> linked_record_id
