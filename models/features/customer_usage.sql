with

spine as (
    select * from {{ ref('as_of_spine') }}
),

links as (
    select * from {{ ref('customer_links') }}
),

uses as (
    select
        links.customer_id,
        uses.feature,
        uses.minutes,
        uses.used_on
    from {{ ref('stg_product_usage') }} as uses
    left join links
        on {{ names_record('uses', 'links', has_email=false) | indent(12) }}
),

customers as (
    select * from {{ ref('present_customers') }}
),

-- The instants at which anything had been used.
spans as (
    select distinct spine.as_of
    from uses
    inner join spine
        on uses.used_on <= spine.as_of_on
),

used_features as (
    select
        spine.as_of,
        cast(count(distinct uses.feature) as int) as feature_count_90d
    from uses
    inner join spine
        on {{ in_last_days('uses.used_on', 'spine.as_of_on', 90) }}
    group by spine.as_of
),

-- A day of use counts from its first instant: on the day of as_of it has begun.
counts as (
    select
        spine.as_of,
        spine.as_of_on,
        uses.customer_id,
        cast(count(distinct uses.used_on) filter (
            where {{ in_last_days('uses.used_on', 'spine.as_of_on', 30) }}
        ) as int) as usage_day_count_30d,
        cast(coalesce(sum(uses.minutes) filter (
            where {{ in_last_days('uses.used_on', 'spine.as_of_on', 30) }}
        ), 0) as decimal(18, 4)) as usage_minutes_30d,
        cast(count(distinct uses.feature) filter (
            where {{ in_last_days('uses.used_on', 'spine.as_of_on', 90) }}
        ) as int) as feature_count_90d,
        max(uses.used_on) as last_used_on
    from uses
    inner join spine on uses.used_on <= spine.as_of_on
    where uses.customer_id is not null
    group by spine.as_of, spine.as_of_on, uses.customer_id
)

-- Who used nothing has adopted nothing of what others use, so that everybody has a row.
select
    customers.as_of,
    customers.customer_id,
    coalesce(counts.usage_day_count_30d, 0) as usage_day_count_30d,
    coalesce(counts.usage_minutes_30d, 0) as usage_minutes_30d,
    coalesce(counts.feature_count_90d, 0) as feature_count_90d,
    {{ ratio('coalesce(counts.feature_count_90d, 0)', 'used_features.feature_count_90d') }}
        as feature_adoption_rate_90d,
    counts.last_used_on,
    {{ days_between('counts.last_used_on', 'customers.as_of_on') }} as days_since_last_use
from customers
inner join spans
    on customers.as_of = spans.as_of
left join counts
    on customers.as_of = counts.as_of and customers.customer_id = counts.customer_id
left join used_features
    on customers.as_of = used_features.as_of
