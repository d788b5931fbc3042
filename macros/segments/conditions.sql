{#- Conditions that several segments are made of. -#}

{#- Whether a text has a word, however it is written: 'dog' is in "Dog food" and not in "Dogma". A condition;
    NULL where the text is. -#}
{% macro has_word(text, word) -%}
    contains(' ' || lower({{ text }}) || ' ', ' {{ word }} ')
{%- endmacro %}

{#- Whether a list that is joined by ', ' has an entry, and not only one that begins or ends like it. A
    condition; NULL where the list is. -#}
{% macro has_tag(list, tag) -%}
    contains(', ' || {{ list }} || ', ', ', {{ tag }}, ')
{%- endmacro %}

{#- Texts of a Jinja list as literals, for `in (...)`. -#}
{% macro text_list(texts) -%}
    '{{ texts | join("', '") }}'
{%- endmacro %}
