with

single_segments as (
    {{ single_segment_rows() | trim }}
),

segment_groups as (
    {{ segment_group_rows() | trim }}
),

members as (
    select * from {{ ref('segment_group_members') }}
),

group_members as (
    select
        members.exclusive_group || '_' || members.member as segment_key,
        segment_groups.segment_model,
        members.name,
        members.description,
        segment_groups.owner,
        members.objective,
        members.goal_kpi,
        cast(members.priority as int) as priority,
        cast(members.minimum_size as int) as minimum_size,
        'group member' as kind,
        members.exclusive_group,
        segment_groups.definition_version,
        segment_groups.review_by,
        segment_groups.entity,
        segment_groups.needed_sources,
        segment_groups.maximum_age_days,
        members.value_rank
    from members
    inner join segment_groups
        on
            members.exclusive_group = segment_groups.exclusive_group
            and members.variant = segment_groups.variant
)

select * from single_segments
union all
select * from group_members
