-- A join that fans out lists a customer twice, an outer one lists nobody, and a wrong one lists ids
-- that no table of customers knows: each would be counted as a member.
with

files as (
    {{ segment_file_rows() }}
),

members as (
    select
        as_of,
        segment_model,
        segment_key,
        customer_id,
        count(*) as row_count
    from {{ ref('segment_membership_observed') }}
    group by as_of, segment_model, segment_key, customer_id
),

faults as (
    select
        members.segment_model,
        case
            when members.customer_id is null then 'lists NULL ids'
            when profiles.customer_id is null then 'lists ids that are no customers at that time'
            else 'lists customers more than once'
        end as fault
    from members
    left join {{ ref('customer_profiles') }} as profiles
        on members.as_of = profiles.as_of and members.customer_id = profiles.customer_id
    where members.row_count > 1 or profiles.customer_id is null
)

select
    files.file,
    faults.fault,
    count(*) as fault_count
from faults
left join files
    on faults.segment_model = files.segment_model
group by files.file, faults.fault
