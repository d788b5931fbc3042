-- A window of no day, a share of 0 and a control that is no arm are found when results are due.
with

designs as (
    select * from {{ ref('experiment_designs') }}
),

arms as (
    select * from {{ ref('experiment_arms') }}
)

select
    source_system,
    experiment_id,
    'window_days is below 1' as fault
from designs
where window_days < 1
union all
select
    source_system,
    experiment_id,
    'expected_share is not above 0' as fault
from arms
where expected_share <= 0
union all
select
    designs.source_system,
    designs.experiment_id,
    'control_arm is not among the arms of seeds/experiment_arms.csv' as fault
from designs
inner join arms
    on
        designs.source_system = arms.source_system
        and designs.experiment_id = arms.experiment_id
where designs.control_arm is not null
group by designs.source_system, designs.experiment_id
having not bool_or(lower(trim(arms.arm)) = lower(trim(designs.control_arm)))
