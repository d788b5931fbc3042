with

identifiers as (
    select * from {{ ref('shared_identifiers') }}
),

{{ connected_records('identifiers', var('customer_maximum_records')) }}
