with

customers as (
    select * from {{ ref('customers') }}
),

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

settings as (
    select * from {{ source('run', 'settings') }}
)

select
    customers.customer_id,
    customers.first_seen_at,
    {{ business_date('customers.first_seen_at', 'settings.business_time_zone') }} as first_seen_on
from customers
cross join settings
cross join spine
where customers.first_seen_at is null or customers.first_seen_at <= spine.as_of
