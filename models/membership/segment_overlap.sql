-- Every pair of segments of one kind of member once, those without a common member too.
with

catalogue as (
    select * from {{ ref('segment_catalogue') }}
),


-- Pairs are counted on numbers: a text per pair of memberships would be most of the work.
numbered as (
    select
        segment_key,
        entity,
        cast(
            row_number() over (partition by entity order by segment_key asc nulls last) as int
        ) as segment_number
    from catalogue
),

members as (
    select
        numbered.entity,
        numbered.segment_number,
        members.member_id
    from {{ ref('segment_members') }} as members
    inner join numbered
        on members.segment_key = numbered.segment_key
),

sizes as (
    select
        entity,
        segment_number,
        count(*) as member_count
    from members
    group by entity, segment_number
),

common as (
    select
        one.entity,
        one.segment_number as number_a,
        other.segment_number as number_b,
        count(*) as member_count
    from members as one
    inner join members as other
        on
            one.entity = other.entity
            and one.member_id = other.member_id
            and one.segment_number < other.segment_number
    group by one.entity, one.segment_number, other.segment_number
),

counted as (
    select
        a.segment_key as segment_a,
        b.segment_key as segment_b,
        coalesce(size_a.member_count, 0) as customers_a,
        coalesce(size_b.member_count, 0) as customers_b,
        coalesce(common.member_count, 0) as customers_both
    from numbered as a
    inner join numbered as b
        on a.entity = b.entity and a.segment_number < b.segment_number
    left join sizes as size_a
        on a.entity = size_a.entity and a.segment_number = size_a.segment_number
    left join sizes as size_b
        on b.entity = size_b.entity and b.segment_number = size_b.segment_number
    left join common
        on
            a.entity = common.entity
            and a.segment_number = common.number_a
            and b.segment_number = common.number_b
)

select
    segment_a,
    segment_b,
    customers_a,
    customers_b,
    customers_both,
    {{ ratio('customers_both', 'customers_a + customers_b - customers_both') }} as jaccard
from counted
