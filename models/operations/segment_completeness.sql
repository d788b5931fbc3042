-- Whether what a campaign would say of the members of a segment is known of them.
{%- set attributes = [
    'country_code', 'subdivision_code', 'city', 'age', 'gender', 'income_band', 'education', 'occupation',
    'household_size', 'has_children', 'acquisition_channel', 'account_id', 'preferred_channel_90d',
    'top_category', 'nps_group', 'engagement_score',
] %}

with

spine as (
    select * from {{ ref('as_of_spine') }} where is_current
),

profiles as (
    select profiles.*
    from {{ ref('customer_profiles') }} as profiles
    inner join spine
        on profiles.as_of = spine.as_of
),

members as (
    select
        'all' as segment_key,
        customer_id
    from profiles
    union all
    select
        segment_key,
        customer_id
    from {{ ref('segment_membership') }}
),

counted as (
    select
        members.segment_key,
        count(*) as member_count,
        {%- for attribute in attributes %}
        count(profiles.{{ attribute }}) as {{ attribute }}{% if not loop.last %},{% endif %}
        {%- endfor %}
    from members
    inner join profiles
        on members.customer_id = profiles.customer_id
    group by members.segment_key
),

long_form as (
    {%- for attribute in attributes %}
    select
        segment_key,
        '{{ attribute }}' as attribute_name,
        member_count,
        {{ attribute }} as filled_count
    from counted
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    segment_key,
    attribute_name,
    member_count,
    filled_count,
    {{ ratio('filled_count', 'member_count') }} as fill_rate,
    {{ ratio('filled_count', 'member_count') }} >= {{ var('completeness_minimum') }}
        as is_sufficient
from long_form
