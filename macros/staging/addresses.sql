{#- Web addresses and postal addresses, brought into one form. -#}

{#- The host of a web address, lower case, without its port and a leading www.; NULL without one. -#}
{% macro host_of(url) -%}
    nullif({{ matched_part('lower(trim(' ~ url ~ '))', "'://(www[.])?([^/?#:]*)'", 2) }}, '')
{%- endmacro %}

{#- Whether a value fits a pattern of a rule: an empty pattern wants no value, % any or none. -#}
{% macro fits_pattern(value, pattern) -%}
    case
        when coalesce({{ pattern }}, '') = '' then coalesce({{ value }}, '') = ''
        else coalesce({{ value }}, '') like {{ pattern }}
    end
{%- endmacro %}

{#- A spelling of a country or subdivision as the tables of source `reference` have it. -#}
{% macro spelling(text) -%}
    nullif(upper(trim({{ text }})), '')
{%- endmacro %}
