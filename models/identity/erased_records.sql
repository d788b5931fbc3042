-- Whom a request names, with all that makes one customer with them.
with

owners as (
    select * from {{ ref('record_owners') }}
),

-- What a release forgot stays forgotten, also when the export no longer has what led to it: a shop
-- that empties the customer record of whoever asked would bring back their other records.
named as (
    select record_id from {{ ref('requested_erasures') }}
    union
    select record_id from {{ source('state', 'identity_changes') }} where identity_change = 'erased'
),

customers as (
    select distinct owners.customer_id
    from owners
    inner join named
        on owners.record_id = named.record_id
)

select
    owners.record_id,
    owners.record_kind,
    owners.source_system,
    owners.reference,
    owners.first_seen_at,
    owners.customer_id
from owners
inner join customers
    on owners.customer_id = customers.customer_id
