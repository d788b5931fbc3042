{#- How identifiers are normalised and hashed. -#}

{#- A normalised e-mail: trimmed, lower case, NULL when blank. -#}
{% macro normalise_email(email) -%}
    nullif(lower(trim({{ email }})), '')
{%- endmacro %}

{#- The id of the customer whose least source record is (source_system, reference). -#}
{% macro customer_id_of(source_system, reference) -%}
    {{ dbt.hash(source_system ~ " || '|' || " ~ reference) }}
{%- endmacro %}

{#- The id of the account that a source system calls `account_ref`; NULL without one. -#}
{% macro account_id_of(source_system, account_ref) -%}
    {{ dbt.hash("'account|' || " ~ source_system ~ " || '|' || " ~ account_ref) }}
{%- endmacro %}

{#- What kind of source record a row names: its customer_ref, else its e-mail, else its phone; NULL
    where it names nobody. -#}
{% macro record_kind(customer_ref, email, phone) -%}
    case
        when {{ customer_ref }} is not null then 'reference'
        when {{ email }} is not null then 'email'
        when {{ phone }} is not null then 'phone'
    end
{%- endmacro %}

{#- The source system of that record: an e-mail or a phone without a reference is one whatever system it was
    seen in. -#}
{% macro record_system(source_system, customer_ref, email) -%}
    case
        when {{ customer_ref }} is not null then {{ source_system }}
        when {{ email }} is not null then 'email'
        else 'phone'
    end
{%- endmacro %}

{#- Joins the rows of `events` to the source record that each names (customer_links, record_customers): by its
    customer_ref within its source system, else by its e-mail, whatever system that was seen in. A
    condition; the columns are source_system, customer_ref and, with has_email, email. -#}
{% macro names_record(events, records, has_email=true) -%}
    {% if has_email -%}
    coalesce({{ events }}.customer_ref, {{ events }}.email) = {{ records }}.reference
    and case
        when {{ events }}.customer_ref is null then 'email' else {{ events }}.source_system
    end = {{ records }}.source_system
    and case
        when {{ events }}.customer_ref is null then 'email' else 'reference'
    end = {{ records }}.record_kind
    {%- else -%}
    {{ events }}.customer_ref = {{ records }}.reference
    and {{ events }}.source_system = {{ records }}.source_system
    and {{ records }}.record_kind = 'reference'
    {%- endif %}
{%- endmacro %}

{#- Whether a normalised e-mail is what a row of the seed identifier_placeholders says: nobody's. No address
    is to stand there both by itself and by its domain, which a test of the seed makes sure of; so the
    condition of a join doubles no row. -#}
{% macro is_placeholder_email(email, placeholders) -%}
    case
        when {{ placeholders }}.identifier_kind = 'email' then {{ email }}
        when {{ placeholders }}.identifier_kind = 'email_domain' then split_part({{ email }}, '@', 2)
    end = {{ placeholders }}.identifier_value
{%- endmacro %}

{#- One of 256 numbers below 289, by the first two digits of a hash. With number_in_bucket it numbers many rows
    without one sort that sees all of them. -#}
{% macro bucket_of_hash(hash) -%}
    17 * instr('0123456789abcdef', substr({{ hash }}, 1, 1))
    + instr('0123456789abcdef', substr({{ hash }}, 2, 1))
{%- endmacro %}

{#- A number of the row that no other row has: its place in its `bucket` (bucket_of_hash), followed by the bucket.
    `place` orders the rows of a bucket; no two are equal in it. -#}
{% macro number_in_bucket(place) -%}
    row_number() over (partition by bucket order by {{ place }}) * 289 + bucket
{%- endmacro %}
