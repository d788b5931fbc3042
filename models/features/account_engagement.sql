{%- set sources = {
    'customer_web': ['session_count_90d', 'page_view_count_90d'],
    'customer_messages': [
        'delivered_message_count_90d', 'opened_message_count_90d', 'clicked_message_count_90d',
    ],
    'customer_service': ['ticket_count_90d'],
} -%}

with

attributes as (
    select * from {{ ref('account_attributes') }}
),

contacts as (
    select * from {{ ref('customer_accounts') }}
),
{% for source, columns in sources.items() %}
{{ source }} as (
    select
        counts.as_of,
        {%- for column in columns %}
        counts.{{ column }},
        {%- endfor %}
        contacts.account_id
    from {{ ref(source) }} as counts
    left join contacts
        on counts.customer_id = contacts.customer_id
),

-- The input is there once any customer has a count, and then an account of nobody has 0.
{{ source }}_there as (
    select as_of
    from {{ source }}
    group by as_of
    having count({{ columns[0] }}) > 0
),

{{ source }}_sums as (
    select
        attributes.as_of,
        {%- for column in columns %}
        cast(coalesce(sum({{ source }}.{{ column }}), 0) as int) as {{ column }},
        {%- endfor %}
        attributes.account_id
    from attributes
    inner join {{ source }}_there
        on attributes.as_of = {{ source }}_there.as_of
    left join {{ source }}
        on
            attributes.as_of = {{ source }}.as_of
            and attributes.account_id = {{ source }}.account_id
    group by attributes.as_of, attributes.account_id
),
{% endfor %}
of_all as (
    select
        attributes.as_of,
        attributes.account_id,
        customer_web_sums.session_count_90d,
        customer_web_sums.page_view_count_90d,
        customer_messages_sums.delivered_message_count_90d,
        customer_messages_sums.opened_message_count_90d,
        customer_messages_sums.clicked_message_count_90d,
        customer_service_sums.ticket_count_90d
    from attributes
    left join customer_web_sums
        on
            attributes.as_of = customer_web_sums.as_of
            and attributes.account_id = customer_web_sums.account_id
    left join customer_messages_sums
        on
            attributes.as_of = customer_messages_sums.as_of
            and attributes.account_id = customer_messages_sums.account_id
    left join customer_service_sums
        on
            attributes.as_of = customer_service_sums.as_of
            and attributes.account_id = customer_service_sums.account_id
)

select * from of_all
