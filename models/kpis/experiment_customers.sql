{%- set window_days = days_var('experiment_window_days') -%}

with

assignments as (
    select * from {{ ref('stg_experiment_assignments') }}
),

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

settings as (
    select * from {{ source('run', 'settings') }}
),

campaigns as (
    select
        campaigns.*,
        coalesce(spellings.channel, lower(trim(campaigns.channel))) as channel_name
    from {{ ref('stg_campaigns') }} as campaigns
    left join {{ ref('spend_channels') }} as spellings
        on lower(trim(campaigns.channel)) = spellings.spelling
),

-- Tools write Control and control; they mean one arm.
named as (
    select
        assignments.source_system,
        assignments.experiment_id,
        links.customer_id,
        assignments.customer_ref,
        lower(trim(assignments.arm)) as arm,
        assignments.campaign_id,
        assignments.segment_key,
        assignments.assigned_at,
        links.first_seen_at is not null and links.first_seen_at >= assignments.assigned_at
            as was_unknown
    from assignments
    inner join spine
        on assignments.assigned_at <= spine.as_of
    inner join {{ ref('customer_links') }} as links
        on {{ names_record('assignments', 'links', has_email=false) | indent(8) }}
),

-- Of several records of one customer the earliest assignment holds.
firsts as (
    select
        *,
        cast(
            count(*) over (partition by source_system, experiment_id, customer_id) as int
        ) as record_count,
        min(arm) over (partition by source_system, experiment_id, customer_id)
        <> max(arm) over (partition by source_system, experiment_id, customer_id) as is_in_several,
        bool_and(was_unknown) over (partition by source_system, experiment_id, customer_id)
            as was_never_known
    from named
    qualify
        row_number() over (
            partition by source_system, experiment_id, customer_id
            order by assigned_at asc nulls last, arm asc nulls last, customer_ref asc nulls last
        ) = 1
),

dated as (
    select
        firsts.*,
        campaigns.channel_name as channel,
        designs.window_days,
        designs.stop_on,
        {{ business_date(next_instant('spine.as_of'), 'settings.business_time_zone') }}
            as first_open_on,
        {{ business_date('firsts.assigned_at', 'settings.business_time_zone') }} as assigned_on,
        {{ business_date('campaigns.ended_at', 'settings.business_time_zone') }}
            as campaign_ended_on
    from firsts
    cross join spine
    cross join settings
    left join {{ ref('experiment_designs') }} as designs
        on
            firsts.source_system = designs.source_system
            and firsts.experiment_id = designs.experiment_id
    left join campaigns
        on
            firsts.source_system = campaigns.source_system
            and firsts.campaign_id = campaigns.campaign_id
),

ended as (
    select
        *,
        least(stop_on, case
            when window_days is not null then {{ add_days('assigned_on', 'window_days - 1') }}
            when campaign_ended_on is not null then campaign_ended_on
            else {{ add_days('assigned_on', window_days - 1) }}
        end) as window_ends_on
    from dated
)

select
    source_system,
    experiment_id,
    customer_id,
    arm,
    campaign_id,
    channel,
    segment_key,
    record_count,
    assigned_at,
    assigned_on,
    window_ends_on,
    first_open_on > window_ends_on as is_window_closed,
    was_never_known as was_unknown,
    case
        when is_in_several then 'several_arms'
        when window_ends_on < assigned_on then 'after_the_end'
    end as exclusion
from ended
