-- What became of every record since the release before, beside all that became of it earlier.
with

published as (
    select * from {{ source('state', 'identity_changes') }}
),

settings as (
    select * from {{ source('run', 'settings') }}
),

before as (
    select * from {{ ref('identity_standing') }}
),

-- That a record was erased is noted once, also of one that no release ever showed: it is what the
-- next release remembers it by.
standing as (
    select
        record_id,
        customer_id,
        first_seen_at,
        false as is_erased
    from {{ ref('customer_links') }}
    union all
    select
        erased.record_id,
        cast(null as string) as customer_id,
        erased.first_seen_at,
        true as is_erased
    from {{ ref('erased_records') }} as erased
    left join published
        on erased.record_id = published.record_id and published.identity_change = 'erased'
    where published.record_id is null
),

after as (
    select standing.*
    from standing
    cross join settings
    where standing.first_seen_at is null or standing.first_seen_at <= settings.as_of
),

compared as (
    select
        coalesce(before.record_id, after.record_id) as record_id,
        before.customer_id as previous_customer_id,
        after.customer_id,
        coalesce(after.is_erased, false) as is_erased
    from before
    full outer join after
        on before.record_id = after.record_id
),

-- Of a former customer: in how many it is now. Of a customer: of how many it was.
parts as (
    select
        previous_customer_id,
        count(distinct customer_id) as part_count
    from compared
    where previous_customer_id is not null
    group by previous_customer_id
),

origins as (
    select
        customer_id,
        count(distinct previous_customer_id) as origin_count
    from compared
    where customer_id is not null
    group by customer_id
)

select
    compared.record_id,
    compared.previous_customer_id,
    compared.customer_id,
    case
        when compared.is_erased then 'erased'
        when compared.previous_customer_id is null then 'new'
        when compared.customer_id is null then 'gone'
        when parts.part_count > 1 then 'split'
        when origins.origin_count > 1 then 'merged'
        else 'older_record'
    end as identity_change,
    settings.as_of,
    'published' as basis,
    true as is_new
from compared
cross join settings
left join parts
    on compared.previous_customer_id = parts.previous_customer_id
left join origins
    on compared.customer_id = origins.customer_id
where
    compared.is_erased
    or coalesce(compared.previous_customer_id, '') <> coalesce(compared.customer_id, '')
union all
select
    record_id,
    previous_customer_id,
    customer_id,
    identity_change,
    as_of,
    basis,
    false as is_new
from published
