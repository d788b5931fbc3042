with

catalogue as (
    select * from {{ ref('segment_catalogue') }}
),

membership as (
    select * from {{ ref('segment_membership') }}
),

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

profiles as (
    select * from {{ ref('customer_profiles') }}
),

base as (
    select
        spine.as_of_on,
        count(profiles.customer_id) as customer_count
    from spine
    left join profiles
        on spine.as_of = profiles.as_of
    group by spine.as_of_on
),

sizes as (
    select
        segment_key,
        count(*) as member_count
    from membership
    group by segment_key
),

counted as (
    select
        catalogue.*,
        coalesce(sizes.member_count, 0) as member_count,
        {{ ratio('coalesce(sizes.member_count, 0)', 'base.customer_count') }} as share_of_base,
        base.as_of_on
    from catalogue
    cross join base
    left join sizes
        on catalogue.segment_key = sizes.segment_key
)

select
    segment_key,
    'customer' as entity,
    name,
    description,
    owner,
    objective,
    goal_kpi,
    priority,
    minimum_size,
    kind,
    exclusive_group,
    definition_version,
    review_by,
    member_count,
    share_of_base,
    case
        when member_count = 0 then 'empty'
        when member_count < minimum_size then 'too_small'
        when share_of_base > {{ var('segment_maximum_share') }} then 'too_large'
        when review_by < as_of_on then 'review_overdue'
        else 'ok'
    end as status
from counted
