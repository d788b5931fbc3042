{%- set amount = var('budget_amount') -%}
{%- set test_percent = var('budget_test_percent') | int -%}

with

weights as (
    select * from {{ ref('budget_weights') }}
),

-- What was spent in the twelve months up to as_of is what there is, unless a variable says.
spent as (
    select cast(coalesce(sum(spend.reporting_amount), 0) as decimal(18, 2)) as amount
    from {{ ref('fct_spend') }} as spend
    inner join {{ ref('as_of_spine') }} as spine
        on spine.is_current and {{ in_last_days('spend.spent_on', 'spine.as_of_on', 365) }}
),

-- In cents: whole numbers are shared without a rest that nobody has counted.
budget as (
    select
        cast(
            {{ 'cast(' ~ amount ~ ' as decimal(18, 2))' if amount is not none else 'amount' }} * 100
            as bigint
        ) as budget_cents
    from spent
),

totals as (
    select
        cast(sum(weight_by_trend) as bigint) as total_by_trend,
        cast(sum(weight_by_revenue) as bigint) as total_by_revenue,
        cast(sum(weight_by_size) as bigint) as total_by_size
    from weights
),

-- A share is cut off at a ten-thousandth, so that all of them never add up to more than there is.
shares as (
    select
        weights.*,
        budget.budget_cents,
        {{ integer_divide('budget.budget_cents * ' ~ (100 - test_percent), '100') }}
            as cents_to_share,
        coalesce({{ integer_divide(
            'weights.weight_by_trend * 10000', 'nullif(totals.total_by_trend, 0)'
        ) }}, 0) as share_by_trend,
        coalesce({{ integer_divide(
            'weights.weight_by_revenue * 10000', 'nullif(totals.total_by_revenue, 0)'
        ) }}, 0) as share_by_revenue,
        coalesce({{ integer_divide(
            'weights.weight_by_size * 10000', 'totals.total_by_size'
        ) }}, 0) as share_by_size
    from weights
    cross join budget
    inner join totals
        on totals.total_by_size > 0
    where budget.budget_cents > 0
),

split as (
    select
        *,
        {{ integer_divide('cents_to_share * share_by_trend', '10000') }} as cents,
        {{ integer_divide('cents_to_share * share_by_revenue', '10000') }} as cents_without_trend,
        {{ integer_divide('cents_to_share * share_by_size', '10000') }} as cents_by_size
    from shares
),

lines as (
    select
        'segment' as line_kind,
        segment_key,
        member_count,
        average_order_value,
        purchase_frequency,
        acquisition_cost,
        growth_factor,
        roi,
        cents,
        cents_without_trend,
        cents_by_size
    from split
    union all
    select
        'test_reserve' as line_kind,
        cast(null as string) as segment_key,
        cast(null as bigint) as member_count,
        cast(null as decimal(18, 4)) as average_order_value,
        cast(null as decimal(18, 6)) as purchase_frequency,
        cast(null as decimal(18, 4)) as acquisition_cost,
        cast(null as decimal(18, 6)) as growth_factor,
        cast(null as decimal(18, 6)) as roi,
        budget_cents - cast(sum(cents) as bigint) as cents,
        budget_cents - cast(sum(cents_without_trend) as bigint) as cents_without_trend,
        budget_cents - cast(sum(cents_by_size) as bigint) as cents_by_size
    from split
    group by budget_cents
)

select
    line_kind,
    segment_key,
    member_count,
    average_order_value,
    purchase_frequency,
    acquisition_cost,
    growth_factor,
    roi,
    {{ amount_per('cents', '100') }} as amount,
    {{ amount_per('least(cents, cents_without_trend, cents_by_size)', '100') }} as lowest_amount,
    {{ amount_per('greatest(cents, cents_without_trend, cents_by_size)', '100') }} as highest_amount
from lines
