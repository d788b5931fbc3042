select
    observed.as_of,
    catalogue.exclusive_group,
    observed.member_id,
    count(*) as member_count
from {{ ref('segment_membership_observed') }} as observed
inner join {{ ref('segment_catalogue') }} as catalogue
    on observed.segment_key = catalogue.segment_key
where catalogue.exclusive_group is not null
group by observed.as_of, catalogue.exclusive_group, observed.member_id
having count(*) > 1
