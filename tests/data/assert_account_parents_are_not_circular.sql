-- Two accounts that own each other have no top: what their group bought would be of nobody, or
-- counted without end.
select
    chains.account_id,
    accounts.source_system,
    accounts.account_ref
from {{ ref('account_hierarchy') }} as chains
inner join {{ ref('as_of_spine') }} as spine
    on spine.is_current and chains.as_of = spine.as_of
inner join {{ ref('accounts') }} as accounts
    on chains.account_id = accounts.account_id
where chains.has_circular_parent
