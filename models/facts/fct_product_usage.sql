{{ config(materialized='view') }}

with

uses as (
    select * from {{ ref('stg_product_usage') }}
),

links as (
    select * from {{ ref('customer_links') }}
)

-- A customer whom two source systems know has one row, the sum of both.
select
    links.customer_id,
    uses.feature,
    uses.used_on,
    cast(sum(uses.uses) as bigint) as use_count,
    cast(sum(uses.minutes) as decimal(18, 4)) as usage_minutes
from uses
inner join links
    on {{ names_record('uses', 'links', has_email=false) | indent(8) }}
group by links.customer_id, uses.feature, uses.used_on
