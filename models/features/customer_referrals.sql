with

spine as (
    select * from {{ ref('as_of_spine') }}
),

links as (
    select * from {{ ref('customer_links') }}
),

referrals as (
    select * from {{ ref('stg_referrals') }}
),

parts as (
    select
        source_system,
        referrer_ref as customer_ref,
        1 as referral_count,
        referred_at
    from referrals
    union all
    select
        source_system,
        referred_ref as customer_ref,
        0 as referral_count,
        referred_at
    from referrals
)

select
    spine.as_of,
    links.customer_id,
    cast(sum(parts.referral_count) as int) as referral_count,
    bool_or(parts.referral_count = 0) as was_referred
from parts
inner join links
    on {{ names_record('parts', 'links', has_email=false) | indent(8) }}
inner join spine on parts.referred_at <= spine.as_of
group by spine.as_of, links.customer_id
