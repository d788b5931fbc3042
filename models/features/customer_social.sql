with

spine as (
    select * from {{ ref('as_of_spine') }}
),

settings as (
    select * from {{ source('run', 'settings') }}
),

links as (
    select * from {{ ref('customer_links') }}
),

mentions as (
    select
        links.customer_id,
        mentions.sentiment,
        mentions.occurred_at,
        {{ business_date('mentions.occurred_at', 'settings.business_time_zone') }} as occurred_on
    from {{ ref('stg_social_mentions') }} as mentions
    inner join links
        on {{ names_record('mentions', 'links', has_email=false) | indent(12) }}
    cross join settings
),

sums as (
    select
        spine.as_of,
        mentions.customer_id,
        cast(count(*) filter (
            where {{ in_last_days('mentions.occurred_on', 'spine.as_of_on', 90) }}
        ) as int) as social_interaction_count_90d,
        cast(sum(mentions.sentiment) * 1000000 as bigint) as sentiment_millionths_365d,
        count(mentions.sentiment) as sentiment_count_365d
    from mentions
    inner join spine
        on
            mentions.occurred_at <= spine.as_of
            and {{ in_last_days('mentions.occurred_on', 'spine.as_of_on', 365) }}
    group by spine.as_of, mentions.customer_id
)

select
    as_of,
    customer_id,
    social_interaction_count_90d,
    {{ ratio('sentiment_millionths_365d', 'sentiment_count_365d * 1000000') }}
        as mean_sentiment_365d
from sums
