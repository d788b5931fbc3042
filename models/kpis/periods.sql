with

period_days as (
    select * from {{ ref('period_days') }}
),

spans as (
    select
        period_grain,
        period_start,
        max(occurred_on) as closes_on
    from period_days
    group by period_grain, period_start
),

-- closes_on is the last business day that counts: the period's end, or the as_of of an open period.
ended as (
    select
        period_grain,
        period_start,
        case
            {%- for grain in period_grains() %}
            when period_grain = '{{ grain }}' then {{ period_end('period_start', grain) }}
            {%- endfor %}
        end as period_end,
        closes_on
    from spans
)

select
    period_grain,
    period_start,
    period_end,
    closes_on,
    case
        when closes_on = period_end
            then cast(row_number() over (
                partition by period_grain, closes_on = period_end
                order by period_start desc nulls last
            ) as int)
    end as closed_ago,
    -- What looks back a year or more says little of a day or a week.
    period_grain in ('month', 'quarter') as is_long
from ended
