{#- Keeps the record of each key that holds: the greatest updated_at, then the later batch, then the
    later line. `updated_at` is an expression, or none where the entity has no such column. -#}
{% macro keep_latest(key, updated_at=none) -%}
    qualify row_number() over (
        partition by {{ key | join(', ') }}
        order by
            {% if updated_at %}{{ updated_at }} desc nulls last,{% endif %}
            _batch_id desc nulls last,
            _line_number desc nulls last
    ) = 1
{%- endmacro %}
