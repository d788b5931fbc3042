-- A day far below its weekday's median is a file that did not arrive, or arrived in part. Looked at
-- are the whole days since the release before (all of them in the first refresh); closed days are
-- known from a seed, and the median is local (weeks before and after), so that growth and season
-- alarm nobody.
with

settings as (
    select
        settings.previous_as_of,
        spine.as_of_on,
        {{ business_date(next_instant('settings.as_of'), 'settings.business_time_zone') }}
            as next_on,
        {{ business_date(next_instant('settings.previous_as_of'), 'settings.business_time_zone') }}
            as first_unchecked_on
    from {{ source('run', 'settings') }} as settings
    inner join {{ ref('as_of_spine') }} as spine
        on spine.is_current
),

daily as (
    select
        ordered_on,
        count(*) as order_count
    from {{ ref('fct_orders') }}
    where is_counting
    group by ordered_on
),

span as (
    select
        min(daily.ordered_on) as first_on,
        max(case
            when settings.next_on > settings.as_of_on then settings.as_of_on
            else {{ add_days('settings.as_of_on', -1) }}
        end) as last_on
    from daily
    cross join settings
),

calendar as (
    {{ date_series('span', 'first_on', 'last_on', 'day') | indent(4) }}
),

open_days as (
    select
        calendar.day as ordered_on,
        coalesce(daily.order_count, 0) as order_count
    from calendar
    left join daily
        on calendar.day = daily.ordered_on
    left join {{ ref('closed_days') }} as closed_days
        on calendar.day = closed_days.closed_on
    where closed_days.closed_on is null
),

compared as (
    select
        open_days.ordered_on,
        open_days.order_count,
        {{ exact_median('neighbours.order_count') }} as weekday_median
    from open_days
    inner join open_days as neighbours
        on
            open_days.ordered_on <> neighbours.ordered_on
            and abs({{ days_between('neighbours.ordered_on', 'open_days.ordered_on') }})
            <= 7 * {{ var('lost_day_weeks') }}
            and mod(abs({{ days_between('neighbours.ordered_on', 'open_days.ordered_on') }}), 7) = 0
    group by open_days.ordered_on, open_days.order_count
),

-- A business day that is whole, and whether an earlier refresh has seen it already.
judged as (
    select
        compared.ordered_on,
        compared.order_count,
        compared.weekday_median,
        settings.previous_as_of is not null
        and compared.ordered_on < settings.first_unchecked_on as is_published,
        settings.first_unchecked_on,
        compared.weekday_median >= {{ var('lost_day_minimum_median') }}
        and compared.order_count * 100
        < {{ var('lost_day_percent_of_median') }} * compared.weekday_median as is_lost
    from compared
    cross join settings
),

-- Files that land in any order leave holes in days published before. Among many of them, one more
-- missing day says nothing.
patchy as (
    select count(*) as lost_day_count
    from judged
    where
        is_published
        and is_lost
        and {{ days_between('ordered_on', 'first_unchecked_on') }}
        <= 7 * {{ var('lost_day_weeks') }}
)

select
    judged.ordered_on,
    judged.order_count,
    judged.weekday_median
from judged
cross join patchy
where
    judged.is_lost
    and not judged.is_published
    and patchy.lost_day_count < {{ var('lost_day_patchy_days') }}
