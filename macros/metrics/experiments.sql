{#- The formulas of experiments (docs/experiments.md), each once. What they take are doubles of exact sums. -#}

{#- What is measured on every assigned customer of an experiment: name, and SQL over experiment_outcomes. -#}
{% macro experiment_metrics() -%}
    {{ return({
        'net_revenue': 'net_revenue',
        'order_count': 'order_count',
        'conversion': 'case when order_count > 0 then 1 else 0 end',
        'order_amount': 'order_amount',
    }) }}
{%- endmacro %}

{#- Sample covariance of a and b from their sums, n - 1 in the denominator; the variance where b is a. NULL with
    fewer than two. -#}
{% macro covariance_of_sums(n, sum_a, sum_b, sum_ab) -%}
    {{ double_ratio(n ~ ' * ' ~ sum_ab ~ ' - ' ~ sum_a ~ ' * ' ~ sum_b, n ~ ' * (' ~ n ~ ' - 1)') }}
{%- endmacro %}

{#- Degrees of freedom of a difference of two means of unlike variance (Welch 1947, Satterthwaite 1946). `a` and `b`
    are the variances of the two means, n_a and n_b the customers behind them. NULL where nothing varies. -#}
{% macro welch_degrees_of_freedom(a, n_a, b, n_b) -%}
    {{ double_ratio(
        '(' ~ a ~ ' + ' ~ b ~ ') * (' ~ a ~ ' + ' ~ b ~ ')',
        double_ratio(a ~ ' * ' ~ a, n_a ~ ' - 1') ~ ' + ' ~ double_ratio(b ~ ' * ' ~ b, n_b ~ ' - 1')
    ) }}
{%- endmacro %}

{#- The 97.5 % quantile of Student's t, by its expansion around that of the normal distribution, 1.959963984540054
    (Fisher and Cornish 1960; Abramowitz and Stegun 1964, 26.7.5). From 9 degrees of freedom on it is right to
    0.00002, from 98 on, where verdicts begin, to 0.0000000001. -#}
{% macro t_quantile_975(degrees_of_freedom) -%}
    1.959963984540054
    + {{ double_ratio('2.372271230298562', degrees_of_freedom) }}
    + {{ double_ratio('2.822498615739641', degrees_of_freedom ~ ' * ' ~ degrees_of_freedom) }}
    + {{ double_ratio(
        '2.555849679507722', [degrees_of_freedom, degrees_of_freedom, degrees_of_freedom] | join(' * ')
    ) }}
    + {{ double_ratio('1.589534053393823', [
        degrees_of_freedom, degrees_of_freedom, degrees_of_freedom, degrees_of_freedom
    ] | join(' * ')) }}
{%- endmacro %}

{#- In an arm with fewer customers there is no interval: the quantile above is not made for it. -#}
{% macro fewest_for_an_interval() -%}
    {{ return(10) }}
{%- endmacro %}

{#- Why the verdict of an experiment is what it is, in words; `finding` as experiment_results has it. -#}
{% macro experiment_reason(finding) -%}
    case {{ finding }}
        when 'no_control'
            then 'No arm is the control: name it in seeds/experiment_designs.csv, or call it control or holdout.'
        when 'unplanned_arm'
            then 'An arm is missing in seeds/experiment_arms.csv, or has the share 0 there, and has customers.'
        when 'sample_ratio'
            then 'The arms are not as large as planned (chi-square, p < 0.001): the draw or the files are broken.'
        when 'running' then 'Windows are still open: there is no verdict before the last one has closed.'
        when 'too_few' then 'An arm has fewer than {{ var("experiment_minimum_customers") | int }} customers.'
        when 'no_spread' then 'Nobody differs from anybody in this metric, so there is no interval.'
        when 'above' then 'The 95 % interval of the effect lies above 0.'
        when 'below' then 'The 95 % interval of the effect lies below 0.'
        when 'contains_zero' then 'The 95 % interval of the effect contains 0.'
    end
{%- endmacro %}
