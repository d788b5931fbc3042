-- A request that names nobody is a person who stays; one that names several takes all of them. A
-- typing error does either, and an address that many share. Who it is stays out of it.
with

settings as (
    select * from {{ source('run', 'settings') }}
),

requests as (
    select
        erasure_requests.source_system,
        erasure_requests.request_id
    from {{ ref('stg_erasure_requests') }} as erasure_requests
    inner join settings
        on erasure_requests.requested_at <= settings.as_of
),

counted as (
    select
        requests.source_system,
        requests.request_id,
        count(distinct owners.customer_id) as customer_count
    from requests
    left join {{ ref('requested_erasures') }} as erasures
        on
            requests.source_system = erasures.source_system
            and requests.request_id = erasures.request_id
    left join {{ ref('record_owners') }} as owners
        on erasures.record_id = owners.record_id
    group by requests.source_system, requests.request_id
)

select
    source_system,
    customer_count,
    count(*) as request_count
from counted
where customer_count <> 1
group by source_system, customer_count
