with

spine as (
    select * from {{ ref('as_of_spine') }}
),

settings as (
    select * from {{ source('run', 'settings') }}
),

hour_bands as (
    select * from {{ ref('hour_bands') }}
),

thresholds as (
    select max(days_or_count) as habit_minimum_touches
    from {{ ref('feature_thresholds') }}
    where threshold = 'habit_minimum_touches'
),

touches as (
    select
        customer_id,
        channel,
        occurred_at,
        occurred_on
    from {{ ref('fct_touches') }}
    where customer_id is not null
    union all
    select
        customer_id,
        sales_channel as channel,
        ordered_at as occurred_at,
        ordered_on as occurred_on
    from {{ ref('fct_orders') }}
    where is_counting and customer_id is not null
),

-- The hours are looked up once per touch, however many instants it counts at.
timed as (
    select
        touches.*,
        {{ local_hour('touches.occurred_at', 'settings.business_time_zone') }} as occurred_hour
    from touches
    cross join settings
),

recent as (
    select
        spine.as_of,
        timed.customer_id,
        timed.channel,
        hour_bands.hour_band
    from timed
    inner join hour_bands
        on
            timed.occurred_hour >= hour_bands.from_hour
            and timed.occurred_hour < hour_bands.below_hour
    inner join spine
        on
            timed.occurred_at <= spine.as_of
            and {{ in_last_days('timed.occurred_on', 'spine.as_of_on', 90) }}
),

habits as (
    select
        as_of,
        customer_id,
        'channel' as habit,
        channel as habit_value
    from recent
    where channel is not null
    union all
    select
        as_of,
        customer_id,
        'hour_band' as habit,
        hour_band as habit_value
    from recent
),

counted as (
    select
        as_of,
        customer_id,
        habit,
        habit_value,
        count(*) as touch_count
    from habits
    group by as_of, customer_id, habit, habit_value
),

preferred as (
    select
        *,
        sum(touch_count) over (partition by as_of, customer_id, habit) as all_touch_count
    from counted
    qualify
        row_number() over (
            partition by as_of, customer_id, habit
            order by touch_count desc nulls last, habit_value asc nulls last
        ) = 1
)

select
    preferred.as_of,
    preferred.customer_id,
    max(preferred.habit_value) filter (where preferred.habit = 'channel') as preferred_channel_90d,
    max(preferred.habit_value) filter (where preferred.habit = 'hour_band')
        as preferred_hour_band_90d
from preferred
inner join thresholds on preferred.all_touch_count >= thresholds.habit_minimum_touches
group by preferred.as_of, preferred.customer_id
