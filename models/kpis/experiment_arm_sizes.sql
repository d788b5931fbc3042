with

sizes as (
    select
        source_system,
        experiment_id,
        arm,
        cast(count(*) as bigint) as customer_count
    from {{ ref('experiment_outcomes') }}
    where exclusion is null
    group by source_system, experiment_id, arm
),

experiments as (
    select distinct
        source_system,
        experiment_id
    from sizes
),

registered as (
    select
        arms.source_system,
        arms.experiment_id,
        lower(trim(arms.arm)) as arm,
        cast(arms.expected_share as decimal(9, 4)) as expected_share
    from {{ ref('experiment_arms') }} as arms
    inner join experiments
        on
            arms.source_system = experiments.source_system
            and arms.experiment_id = experiments.experiment_id
),

with_shares as (
    select distinct
        source_system,
        experiment_id
    from registered
),

-- An arm that was registered and got nobody counts too.
arm_names as (
    select
        source_system,
        experiment_id,
        arm
    from sizes
    union
    select
        source_system,
        experiment_id,
        arm
    from registered
)

select
    arm_names.source_system,
    arm_names.experiment_id,
    arm_names.arm,
    coalesce(sizes.customer_count, 0) as customer_count,
    -- Without a plan, arms are meant to be equal; an arm that a plan lacks, to have nobody.
    cast(
        case when with_shares.experiment_id is null then 1 else registered.expected_share end
        as decimal(9, 4)
    ) as expected_share
from arm_names
left join sizes
    on
        arm_names.source_system = sizes.source_system
        and arm_names.experiment_id = sizes.experiment_id
        and arm_names.arm = sizes.arm
left join registered
    on
        arm_names.source_system = registered.source_system
        and arm_names.experiment_id = registered.experiment_id
        and arm_names.arm = registered.arm
left join with_shares
    on
        arm_names.source_system = with_shares.source_system
        and arm_names.experiment_id = with_shares.experiment_id
