with

catalogue as (
    select * from {{ ref('segment_catalogue') }}
),

members as (
    select * from {{ ref('segment_members') }}
),

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

base as (
    select
        'customer' as entity,
        spine.as_of_on,
        count(profiles.customer_id) as member_count
    from spine
    left join {{ ref('customer_profiles') }} as profiles
        on spine.as_of = profiles.as_of
    group by spine.as_of_on
    union all
    select
        'account' as entity,
        spine.as_of_on,
        count(profiles.account_id) as member_count
    from spine
    left join {{ ref('account_profiles') }} as profiles
        on spine.as_of = profiles.as_of
    group by spine.as_of_on
),

sizes as (
    select
        segment_key,
        count(*) as member_count
    from members
    group by segment_key
),

settings as (
    select * from {{ source('run', 'settings') }}
),

first_instants as (
    select
        segment_key,
        min(as_of) as first_as_of
    from {{ ref('segment_observations') }}
    group by segment_key
),

missing as (
    select * from {{ ref('segment_missing_sources') }}
),

counted as (
    select
        catalogue.*,
        coalesce(sizes.member_count, 0) as member_count,
        {{ ratio('coalesce(sizes.member_count, 0)', 'base.member_count') }} as share_of_base,
        missing.missing_sources,
        case
            when catalogue.kind = 'frozen'
                then
                    {{ business_date(
                        'first_instants.first_as_of', 'settings.business_time_zone'
                    ) }}
        end as frozen_on,
        base.as_of_on
    from catalogue
    cross join settings
    inner join base
        on catalogue.entity = base.entity
    left join sizes
        on catalogue.segment_key = sizes.segment_key
    left join first_instants
        on catalogue.segment_key = first_instants.segment_key
    left join missing
        on catalogue.segment_model = missing.segment_model
)

select
    segment_key,
    entity,
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
    value_rank,
    frozen_on,
    needed_sources,
    missing_sources,
    member_count,
    share_of_base,
    case
        when missing_sources is not null then 'source_missing'
        when member_count = 0 then 'empty'
        when member_count < minimum_size then 'too_small'
        when share_of_base > {{ var('segment_maximum_share') }} then 'too_large'
        when
            review_by < as_of_on
            or {{ days_between('frozen_on', 'as_of_on') }} > maximum_age_days
            then 'review_overdue'
        else 'ok'
    end as status
from counted
