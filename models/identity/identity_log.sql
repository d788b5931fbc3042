with

changes as (
    select * from {{ ref('identity_changes') }}
)

select
    as_of,
    previous_customer_id,
    customer_id,
    identity_change,
    cast(count(*) as int) as record_count
from changes
where identity_change in ('merged', 'split', 'older_record')
group by as_of, previous_customer_id, customer_id, identity_change
