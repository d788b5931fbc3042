-- A group that yields a key without a row in seeds/segment_group_members.csv would hide its
-- members.
select
    observed.segment_model,
    observed.segment_key,
    count(*) as member_count
from {{ ref('segment_membership_observed') }} as observed
left join {{ ref('segment_catalogue') }} as catalogue
    on
        observed.segment_key = catalogue.segment_key
        and observed.segment_model = catalogue.segment_model
where catalogue.segment_key is null
group by observed.segment_model, observed.segment_key
