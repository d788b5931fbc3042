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
where
    identity_change in ('merged', 'split', 'older_record')
    -- Whoever keeps a copy of what was published learns here whom to forget.
    or (identity_change = 'erased' and previous_customer_id is not null)
group by as_of, previous_customer_id, customer_id, identity_change
