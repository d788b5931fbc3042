-- Whether arms are as large as they were meant to be: where they are not, the draw or the files are
-- broken, and the difference between arms says nothing. Pearson's chi-square, p = 0.001.
with

arms as (
    select
        source_system,
        experiment_id,
        cast(customer_count as decimal(9, 0)) as customer_count,
        expected_share
    from {{ ref('experiment_arm_sizes') }}
),

totals as (
    select
        source_system,
        experiment_id,
        cast(count(*) as int) as arm_count,
        cast(sum(customer_count) as decimal(9, 0)) as customer_count,
        cast(sum(expected_share) as decimal(9, 4)) as all_shares,
        bool_or(expected_share is null or expected_share <= 0) as has_unplanned_arm
    from arms
    group by source_system, experiment_id
),

-- The sum of n x n / expected, less all customers, is the sum of (n - expected) squared / expected.
statistics as (
    select
        arms.source_system,
        arms.experiment_id,
        sum({{ exact_ratio(
            'arms.customer_count * arms.customer_count * totals.all_shares',
            'totals.customer_count * arms.expected_share', 6, 38
        ) }}) as weighted_squares
    from arms
    inner join totals
        on arms.source_system = totals.source_system and arms.experiment_id = totals.experiment_id
    group by arms.source_system, arms.experiment_id
),

tested as (
    select
        totals.source_system,
        totals.experiment_id,
        totals.arm_count,
        totals.customer_count,
        totals.has_unplanned_arm,
        limits.critical_value,
        case
            when not totals.has_unplanned_arm
                then statistics.weighted_squares - totals.customer_count
        end as statistic
    from totals
    inner join statistics
        on
            totals.source_system = statistics.source_system
            and totals.experiment_id = statistics.experiment_id
    left join {{ ref('chi_square_critical_values') }} as limits
        on totals.arm_count - 1 = limits.degrees_of_freedom
)

select
    source_system,
    experiment_id,
    arm_count,
    cast(customer_count as bigint) as customer_count,
    has_unplanned_arm,
    cast(statistic as decimal(18, 6)) as sample_ratio_statistic,
    cast(critical_value as decimal(18, 6)) as sample_ratio_limit,
    case
        when has_unplanned_arm or statistic > critical_value then 'invalid'
        when critical_value is null then 'not_checked'
        else 'ok'
    end as sample_ratio_verdict
from tested
