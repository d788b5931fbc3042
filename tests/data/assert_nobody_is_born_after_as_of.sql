-- When rows come in, only the day of loading is known; a refresh of an earlier day meets more.
select customers.customer_id
from {{ ref('customers') }} as customers
inner join {{ ref('as_of_spine') }} as spine
    on customers.birth_date > spine.as_of_on
where spine.is_current
