-- Of a group of inputs of which one is required, one fresh input is enough: whoever sends orders
-- needs no order lines.
with

required as (
    select
        case when requirement = 'required' then entity else requirement end as requirement,
        entity,
        freshness_verdict,
        age_days
    from {{ ref('source_inventory') }}
    where requirement <> 'optional' and freshness_verdict <> 'never_came'
)

select
    requirement,
    min(entity) as entity,
    min(age_days) as age_days
from required
group by requirement
having count(*) = count(*) filter (where freshness_verdict = 'too_old')
