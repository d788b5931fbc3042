-- Which record belonged to which customer when the current release was published.
with

changes as (
    select * from {{ source('state', 'identity_changes') }}
),

latest as (
    select
        record_id,
        customer_id,
        as_of
    from changes
    qualify
        row_number() over (
            partition by record_id order by as_of desc nulls last
        ) = 1
)

select
    record_id,
    customer_id
from latest
where customer_id is not null
