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

answers as (
    select
        spine.as_of,
        spine.as_of_on,
        links.customer_id,
        responses.source_system,
        responses.response_id,
        responses.question,
        nullif(lower(trim(responses.answer)), '') as answer,
        responses.score,
        responses.nps_group,
        responses.responded_at,
        {{ business_date('responses.responded_at', 'settings.business_time_zone') }} as responded_on
    from {{ ref('stg_survey_responses') }} as responses
    inner join links
        on {{ names_record('responses', 'links') | indent(12) }}
    cross join settings
    inner join spine on responses.responded_at <= spine.as_of
),

counts as (
    select
        as_of,
        customer_id,
        cast(count(*) filter (
            where {{ in_last_days('responded_on', 'as_of_on', 90) }}
        ) as int) as survey_answer_count_90d
    from answers
    group by as_of, customer_id
),

last_recommendations as (
    select
        as_of,
        customer_id,
        score,
        nps_group
    from answers
    where question = 'nps' and score is not null
    qualify
        row_number() over (
            partition by as_of, customer_id
            order by responded_at desc nulls last, score asc nulls last
        ) = 1
),

last_traits as (
    select
        as_of,
        customer_id,
        question,
        answer,
        score
    from answers
    where question like 'value:%' or question like 'interest:%' or question like 'lifestyle:%'
    qualify
        row_number() over (
            partition by as_of, customer_id, question
            order by
                responded_at desc nulls last,
                response_id desc nulls last,
                source_system desc nulls last
        ) = 1
),

tags as (
    select
        as_of,
        customer_id,
        question,
        case
            when answer in ('false', 'no', '0') then null
            when answer in ('true', 'yes') then question
            when answer is not null then question || '=' || answer
            when score > 0 then question
        end as tag
    from last_traits
),

tag_lists as (
    select
        as_of,
        customer_id,
        {{ joined_in_order('tag', 'question', "', '") }} as psychographic_tags
    from tags
    where tag is not null
    group by as_of, customer_id
)

select
    counts.as_of,
    counts.customer_id,
    counts.survey_answer_count_90d,
    last_recommendations.score as last_nps_score,
    last_recommendations.nps_group,
    tag_lists.psychographic_tags
from counts
left join last_recommendations
    on
        counts.as_of = last_recommendations.as_of
        and counts.customer_id = last_recommendations.customer_id
left join tag_lists
    on counts.as_of = tag_lists.as_of and counts.customer_id = tag_lists.customer_id
