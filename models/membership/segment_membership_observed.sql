-- A segment whose joins fan out lists a customer twice. Nothing here hides that: the unique test
-- fails and the refresh stops, which is what we want.
with

observations as (
    select * from {{ source('run', 'observations') }}
),

catalogue as (
    select * from {{ ref('segment_catalogue') }}
),

observed_before as (
    select distinct segment_key from {{ source('state', 'segment_observations') }}
),

-- A frozen list is looked up once. From then on it is who stands in it.
asked as (
    select
        observations.segment_model,
        observations.as_of,
        observations.basis
    from observations
    left join catalogue
        on observations.segment_model = catalogue.segment_model and catalogue.kind = 'frozen'
    left join observed_before
        on catalogue.segment_key = observed_before.segment_key
    where
        catalogue.segment_key is null
        or (observed_before.segment_key is null and observations.basis = 'published')
),

-- Of few customers, or none: joined to every membership, all of them cost a quarter of this model.
not_yet_known as (
    select
        customer_id,
        first_seen_at
    from {{ ref('customers') }}
    where first_seen_at > (select min(observations.as_of) from observations)
),

members as (
    {%- for entry in segment_models() %}
    {%- set entity = segment_meta_of(entry).get('entity', 'customer') %}
    select
        as_of,
        '{{ entry.model }}' as segment_model,
        {% if entry.key %}'{{ entry.key }}' as {% endif %}segment_key,
        '{{ entity }}' as entity,
        {{ entity }}_id as member_id
    from {{ ref(entry.model) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- What a customer did before anybody knew of them, a visit for example, makes them a member from
-- when they are known.
looked_up as (
    select
        members.as_of,
        members.segment_model,
        members.segment_key,
        members.entity,
        members.member_id,
        asked.basis
    from members
    inner join asked
        on members.segment_model = asked.segment_model and members.as_of = asked.as_of
    left join not_yet_known
        on members.entity = 'customer' and members.member_id = not_yet_known.customer_id
    where not_yet_known.first_seen_at is null or members.as_of >= not_yet_known.first_seen_at
)

select
    as_of,
    segment_model,
    segment_key,
    entity,
    member_id,
    basis
from looked_up
union all
select
    as_of,
    segment_model,
    segment_key,
    entity,
    member_id,
    basis
from {{ ref('frozen_members') }}
