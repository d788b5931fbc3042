-- Size of each segment at the end of each period and the flows within it, from what was observed.
with

periods as (
    select * from {{ ref('periods') }}
),

arrivals as (
    {{ arrivals_of('customer') | indent(4) }}
    union all
    {{ arrivals_of('account') | indent(4) }}
),

sizes as (
    select
        sizes.*,
        {{ business_date('sizes.as_of', 'settings.business_time_zone') }} as observed_on
    from {{ ref('segment_sizes') }} as sizes
    cross join {{ source('run', 'settings') }} as settings
),

observed as (
    select
        periods.period_grain,
        periods.period_start,
        sizes.segment_key,
        cast(sum(sizes.entered_count - sizes.exited_count) as bigint) as closing_count,
        cast(coalesce(sum(sizes.entered_count) filter (
            where sizes.observed_on >= periods.period_start
        ), 0) as bigint) as entered_count,
        cast(coalesce(sum(sizes.exited_count) filter (
            where sizes.observed_on >= periods.period_start
        ), 0) as bigint) as exited_count
    from periods
    inner join sizes
        on periods.closes_on >= sizes.observed_on
    group by periods.period_grain, periods.period_start, sizes.segment_key
),

everyone as (
    select
        periods.period_grain,
        periods.period_start,
        entities.entity,
        cast(coalesce(sum(arrivals.member_count), 0) as bigint) as closing_count,
        cast(coalesce(sum(arrivals.member_count) filter (
            where arrivals.first_seen_on >= periods.period_start
        ), 0) as bigint) as entered_count
    from periods
    cross join (values ('customer'), ('account')) as entities (entity)
    left join arrivals
        on
            entities.entity = arrivals.entity
            and (arrivals.first_seen_on is null or periods.closes_on >= arrivals.first_seen_on)
    group by periods.period_grain, periods.period_start, entities.entity
),

observed_groups as (
    select distinct
        observed.period_grain,
        observed.period_start,
        catalogue.entity,
        catalogue.exclusive_group
    from observed
    inner join {{ ref('segment_catalogue') }} as catalogue
        on observed.segment_key = catalogue.segment_key
    where catalogue.exclusive_group is not null
),

-- Of whoever is there today. Sizes are as published, of whoever is none since, too.
in_groups as (
    select
        periods.period_grain,
        periods.period_start,
        changes.exclusive_group,
        sum(changes.member_change_count) as closing_count
    from periods
    inner join {{ ref('segment_stay_changes') }} as changes
        on periods.closes_on >= changes.changed_on
    where changes.exclusive_group is not null
    group by periods.period_grain, periods.period_start, changes.exclusive_group
)

select
    period_grain,
    period_start,
    segment_key,
    closing_count,
    entered_count,
    exited_count
from observed
union all
select
    period_grain,
    period_start,
    'all' as segment_key,
    closing_count,
    entered_count,
    cast(0 as bigint) as exited_count
from everyone
where entity = 'customer'
union all
select
    everyone.period_grain,
    everyone.period_start,
    observed_groups.exclusive_group || '_none' as segment_key,
    cast(everyone.closing_count - coalesce(in_groups.closing_count, 0) as bigint) as closing_count,
    cast(null as bigint) as entered_count,
    cast(null as bigint) as exited_count
from everyone
inner join observed_groups
    on
        everyone.period_grain = observed_groups.period_grain
        and everyone.period_start = observed_groups.period_start
        and everyone.entity = observed_groups.entity
left join in_groups
    on
        observed_groups.period_grain = in_groups.period_grain
        and observed_groups.period_start = in_groups.period_start
        and observed_groups.exclusive_group = in_groups.exclusive_group
