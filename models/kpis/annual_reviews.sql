-- Which years have closed, how far segments did what they are for, and who has signed that.
with

years as (
    {{ closed_years() | indent(4) }}
),

alignment as (
    select
        calendar_year,
        count(*) as segment_count,
        count(case when alignment = 'on_target' then 1 end) as on_target_count,
        count(case when alignment = 'off_target' then 1 end) as off_target_count,
        count(case when alignment = 'no_target' then 1 end) as no_target_count,
        count(case when alignment = 'not_measured' then 1 end) as not_measured_count
    from {{ ref('goal_alignment') }}
    group by calendar_year
),

sign_offs as (
    select * from {{ ref('review_sign_offs') }}
)

select
    years.calendar_year,
    years.closed_on,
    cast(coalesce(alignment.segment_count, 0) as int) as segment_count,
    cast(coalesce(alignment.on_target_count, 0) as int) as on_target_count,
    cast(coalesce(alignment.off_target_count, 0) as int) as off_target_count,
    cast(coalesce(alignment.no_target_count, 0) as int) as no_target_count,
    cast(coalesce(alignment.not_measured_count, 0) as int) as not_measured_count,
    sign_offs.signed_on,
    sign_offs.signed_by,
    sign_offs.decision,
    sign_offs.note
from years
left join alignment
    on years.calendar_year = alignment.calendar_year
left join sign_offs
    on years.calendar_year = sign_offs.calendar_year
