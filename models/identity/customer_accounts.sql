with

customer_records as (
    select * from {{ ref('stg_customers') }}
),

links as (
    select * from {{ ref('customer_links') }}
),

named as (
    select
        links.customer_id,
        {{ account_id_of('customer_records.source_system', 'customer_records.account_ref') }}
            as account_id,
        coalesce(customer_records.updated_at, customer_records.created_at) as stated_at
    from customer_records
    inner join links
        on {{ names_record('customer_records', 'links', has_email=false) | indent(8) }}
    where customer_records.account_ref is not null
),

-- A record per account first, so that what is counted does not depend on which of them wins.
per_account as (
    select
        customer_id,
        account_id,
        max(stated_at) as stated_at
    from named
    group by customer_id, account_id
)

select
    customer_id,
    account_id,
    cast(count(*) over (partition by customer_id) as int) as account_count,
    stated_at
from per_account
qualify
    row_number() over (
        partition by customer_id
        order by stated_at desc nulls last, account_id asc nulls last
    ) = 1
