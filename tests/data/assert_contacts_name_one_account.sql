-- A contact in two accounts counts in one of them, and the other's figures lack what they bought.
select
    customer_id,
    account_id,
    account_count
from {{ ref('customer_accounts') }}
where account_count > 1
