{{ config(materialized='view') }}

with

spine as (
    select * from {{ ref('as_of_spine') }}
),

customers as (
    select * from {{ ref('customers') }}
)

select
    spine.as_of,
    spine.as_of_on,
    customers.customer_id
from customers
cross join spine
where customers.first_seen_at is null or customers.first_seen_at <= spine.as_of
