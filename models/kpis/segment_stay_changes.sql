-- For who was in on a day, changes are added up: a stay lasts many days.
with

stays as (
    select * from {{ ref('segment_stays') }} where is_listed
),

ends as (
    select
        segment_key,
        exclusive_group,
        valid_from_on as changed_on,
        1 as change_count
    from stays
    union all
    select
        segment_key,
        exclusive_group,
        valid_to_on as changed_on,
        -1 as change_count
    from stays
    where valid_to_on is not null
)

select
    segment_key,
    exclusive_group,
    changed_on,
    cast(sum(change_count) as bigint) as change_count
from ends
group by segment_key, exclusive_group, changed_on
