{#- Figures of campaigns; docs/attribution.md has the words. -#}

{#- ROI = (revenue - spend) / spend; NULL where nothing was spent, or credits outweigh it. -#}
{% macro campaign_roi(revenue, spend) -%}
    case when {{ spend }} > 0 then {{ return_on_cost(revenue, spend) }} end
{%- endmacro %}

{#- The fewest customers contacted of whom a rate says something, from the variable. -#}
{% macro campaign_minimum_sample() -%}
    {%- set value = var('campaign_minimum_sample') -%}
    {%- if value is not integer or value < 1 -%}
        {{ exceptions.raise_compiler_error(
            "Variable campaign_minimum_sample is " ~ value ~ "; give a whole number of customers above 0."
        ) }}
    {%- endif -%}
    {{ return(value) }}
{%- endmacro %}

{#- What a difference of two rates with its 95 % interval says. -#}
{% macro difference_verdict(sample, other_sample, low, high) -%}
    case
        when {{ sample }} < {{ campaign_minimum_sample() }}
            or {{ other_sample }} < {{ campaign_minimum_sample() }} then 'cannot tell'
        when {{ low }} > 0 then 'segmented is higher'
        when {{ high }} < 0 then 'segmented is lower'
        else 'cannot tell'
    end
{%- endmacro %}
