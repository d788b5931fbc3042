with

present as (
    select * from {{ ref('present_customers') }}
),

coverage as (
    select * from {{ ref('source_coverage') }}
),

web as (
    select * from {{ ref('customer_web') }}
),

messages as (
    select * from {{ ref('customer_messages') }}
),

social as (
    select * from {{ ref('customer_social') }}
),

surveys as (
    select * from {{ ref('customer_surveys') }}
),

service as (
    select * from {{ ref('customer_service') }}
),

levels as (
    select * from {{ ref('engagement_levels') }}
),

weights as (
    select
        {{ engagement_weight_columns() | indent(8) }}
    from {{ ref('engagement_weights') }}
),

signals as (
    select
        present.as_of,
        present.customer_id,
        coverage.has_web_events,
        coverage.has_message_events,
        coverage.has_social_mentions,
        coverage.has_survey_responses,
        coverage.has_support_tickets,
        web.session_count_90d,
        web.product_view_count_90d,
        messages.opened_message_count_90d,
        messages.clicked_message_count_90d,
        social.social_interaction_count_90d,
        surveys.survey_answer_count_90d,
        service.ticket_count_90d
    from present
    inner join coverage on present.as_of = coverage.as_of
    left join web on present.as_of = web.as_of and present.customer_id = web.customer_id
    left join messages
        on present.as_of = messages.as_of and present.customer_id = messages.customer_id
    left join social on present.as_of = social.as_of and present.customer_id = social.customer_id
    left join surveys on present.as_of = surveys.as_of and present.customer_id = surveys.customer_id
    left join service on present.as_of = service.as_of and present.customer_id = service.customer_id
),

scored as (
    select
        signals.as_of,
        signals.customer_id,
        {{ engagement_score() }} as engagement_score,
        {{ engagement_sources() | indent(8) }} as engagement_sources
    from signals
    cross join weights
)

select
    scored.as_of,
    scored.customer_id,
    scored.engagement_score,
    scored.engagement_sources,
    levels.engagement_level
from scored
left join levels
    on
        scored.engagement_score >= levels.from_score
        and (levels.below_score is null or scored.engagement_score < levels.below_score)
