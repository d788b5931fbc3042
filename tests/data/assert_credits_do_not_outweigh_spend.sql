-- A negative amount is a credit of what was spent; more credits than spend are a sign mixed up.
select
    spend.channel,
    spend.campaign_id,
    sum(spend.reporting_amount) as spend
from {{ ref('fct_spend') }} as spend
inner join {{ ref('as_of_spine') }} as spine
    on spend.spent_on <= spine.as_of_on
where spine.is_current
group by spend.channel, spend.campaign_id
having sum(spend.reporting_amount) < 0
