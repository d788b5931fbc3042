-- A join that fans out lists a member twice, an outer one lists nobody, and a wrong one lists ids
-- that no table of customers or accounts knows: each would be counted as a member.
with

files as (
    {{ segment_file_rows() }}
),

members as (
    select
        as_of,
        segment_model,
        segment_key,
        entity,
        member_id,
        count(*) as row_count
    from {{ ref('segment_membership_observed') }}
    group by as_of, segment_model, segment_key, entity, member_id
),

known as (
    select
        as_of,
        'customer' as entity,
        customer_id as member_id
    from {{ ref('customer_profiles') }}
    union all
    select
        as_of,
        'account' as entity,
        account_id as member_id
    from {{ ref('account_profiles') }}
),

faults as (
    select
        members.segment_model,
        case
            when members.member_id is null then 'lists NULL ids'
            when known.member_id is null
                then 'lists ids that are no ' || members.entity || 's at that time'
            else 'lists ' || members.entity || 's more than once'
        end as fault
    from members
    left join known
        on
            members.as_of = known.as_of
            and members.entity = known.entity
            and members.member_id = known.member_id
    where members.row_count > 1 or known.member_id is null
)

select
    files.file,
    faults.fault,
    count(*) as fault_count
from faults
left join files
    on faults.segment_model = files.segment_model
group by files.file, faults.fault
