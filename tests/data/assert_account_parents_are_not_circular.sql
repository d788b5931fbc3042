-- Two accounts that own each other have no top: what their group bought would be of nobody, or
-- counted without end.
select
    parents.account_id,
    named.source_system,
    named.account_ref
from {{ ref('account_hierarchy') }} as parents
inner join {{ ref('as_of_spine') }} as spine
    on spine.is_current and parents.as_of = spine.as_of
inner join {{ ref('accounts') }} as named
    on parents.account_id = named.account_id
where parents.has_circular_parent
