-- Components that were too large drop their probable links first of all.
with

linked as (
    select * from {{ ref('linked_by_all') }} where is_over
),

identifiers as (
    select
        identifiers.record_id,
        identifiers.identifier_kind,
        identifiers.identifier_value
    from {{ ref('shared_identifiers') }} as identifiers
    inner join linked
        on identifiers.record_id = linked.record_id
    where identifiers.identifier_kind in ('email', 'phone')
),

{{ connected_records('identifiers', var('customer_maximum_records')) }}
