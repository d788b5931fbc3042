-- An address that stands both by itself and by its domain would double the rows that carry it.
with

placeholders as (
    select * from {{ ref('identifier_placeholders') }}
)

select addresses.identifier_value
from placeholders as addresses
inner join placeholders as domains
    on split_part(addresses.identifier_value, '@', 2) = domains.identifier_value
where addresses.identifier_kind = 'email' and domains.identifier_kind = 'email_domain'
