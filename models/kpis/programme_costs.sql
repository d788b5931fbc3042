with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

programmes as (
    select * from {{ ref('programmes') }}
),

spend as (
    select spend.*
    from {{ ref('fct_spend') }} as spend
    inner join spine
        on spend.spent_on <= spine.as_of_on
    where spend.cost_type = 'programme'
),

spent as (
    select
        programmes.programme,
        cast(sum(spend.reporting_amount) as decimal(18, 4)) as programme_cost
    from programmes
    inner join spend
        on
            programmes.started_on <= spend.spent_on
            and programmes.after_end >= spend.spent_on
            and (programmes.segment_key = 'all' or programmes.segment_key = spend.segment_key)
    group by programmes.programme
)

select
    programmes.programme,
    coalesce(programmes.cost, spent.programme_cost) as programme_cost,
    case
        when programmes.cost is not null then 'given'
        when spent.programme_cost is not null then 'spend'
        else 'unknown'
    end as cost_basis
from programmes
left join spent
    on programmes.programme = spent.programme
