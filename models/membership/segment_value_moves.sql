-- More who move up than down is a strategy that works. Who was in no member of the group before, a
-- newcomer for example, has not moved; who is in none after has moved down.
with

migrations as (
    select * from {{ ref('segment_migrations') }}
),

ranks as (
    select
        segment_key,
        value_rank
    from {{ ref('segment_catalogue') }}
    where value_rank is not null
),

moves as (
    select
        migrations.exclusive_group,
        migrations.period_start,
        migrations.customer_count,
        coalesce(to_ranks.value_rank, 0) - from_ranks.value_rank as steps
    from migrations
    inner join ranks as from_ranks
        on migrations.from_segment = from_ranks.segment_key
    left join ranks as to_ranks
        on migrations.to_segment = to_ranks.segment_key
),

counted as (
    select
        exclusive_group,
        period_start,
        cast(sum(customer_count) as bigint) as opening_count,
        cast(coalesce(sum(customer_count) filter (where steps > 0), 0) as bigint) as moved_up_count,
        cast(
            coalesce(sum(customer_count) filter (where steps < 0), 0) as bigint
        ) as moved_down_count
    from moves
    group by exclusive_group, period_start
)

select
    exclusive_group,
    period_start,
    opening_count,
    moved_up_count,
    moved_down_count,
    {{ ratio('moved_up_count - moved_down_count', 'opening_count') }} as net_up_migration_rate
from counted
