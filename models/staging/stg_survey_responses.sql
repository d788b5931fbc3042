{{ config(materialized='view') }}

with

survey_responses as (
    select * from {{ source('raw', 'survey_responses') }}
),

latest as (
    select *
    from survey_responses
    {{ keep_latest(['source_system', 'response_id', 'question']) }}
)

select
    source_system,
    response_id,
    question,
    customer_ref,
    {{ normalise_email('email') }} as email,
    answer,
    case
        when question <> 'nps' or score is null then null
        when score >= 9 then 'promoter'
        when score >= 7 then 'passive'
        else 'detractor'
    end as nps_group,
    score,
    responded_at,
    _loaded_at as loaded_at
from latest
