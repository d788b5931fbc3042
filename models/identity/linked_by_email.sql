-- What is still too large drops its phone links, too.
with

linked as (
    select * from {{ ref('linked_by_email_or_phone') }} where is_over
),

identifiers as (
    select
        identifiers.record_id,
        identifiers.identifier_kind,
        identifiers.identifier_value
    from {{ ref('shared_identifiers') }} as identifiers
    inner join linked
        on identifiers.record_id = linked.record_id
    where identifiers.identifier_kind = 'email'
),

{{ connected_records('identifiers', var('customer_maximum_records')) }}
