"""The portability lint: each rule refuses what it should and lets its portable twin through."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration import portability
from orchestration.errors import ClienteleError
from orchestration.portability import (
    ADVICE,
    CLOCK_WORDS,
    SAME_ON_BOTH,
    Finding,
    lint_compiled,
    lint_project,
    lint_source,
    main,
    mask_engine_regions,
)

PROJECT = Path(__file__).resolve().parents[2]


def rules(findings: list[Finding]) -> set[str]:
    return {finding.rule for finding in findings}


# (rule, refused, its portable twin)
CASES: list[tuple[str, str, str]] = [
    ("function", "select frobnicate(a) as b from t", "select upper(a) as b from t"),
    ("function", "select avg(a) as b from t", "select sum(a) as b from t"),
    (
        "function",
        "select median(a) as b from t",
        "select /*engine*/ median(a) /*end engine*/ as b from t",
    ),
    ("function", "select quantile_cont(a, 0.5) as b from t", "select max(a) as b from t"),
    ("function", "select arg_max(a, c) as b from t", "select max(a) as b from t"),
    ("function", "select epoch(a) as b from t", "select year(a) as b from t"),
    ("function", "select isodow(a) as b from t", "select month(a) as b from t"),
    ("function", "select strftime(a, 'x') as b from t", "select cast(a as string) as b from t"),
    ("function", "select concat(a, c) as b from t", "select a || c as b from t"),
    ("function", "select dayofweek(a) as b from t", "select dayofyear(a) as b from t"),
    (
        "function",
        "select extract(dow from a) as b from t",
        "select extract(year from a) as b from t",
    ),
    ("function", "select extract(second from a) as b from t", "select second(a) as b from t"),
    ("function", "select substr(a, 0) as b from t", "select substr(a, 1) as b from t"),
    ("function", "select left(a, -1) as b from t", "select left(a, 1) as b from t"),
    ("function", "select ceil(a) as b from t", "select round(a, 0) as b from t"),
    (
        "function",
        "select regexp_replace(a, 'b', 'c') as b from t",
        "select replace(a, 'b', 'c') as b from t",
    ),
    ("function", "select try_cast(a as int) as b from t", "select cast(a as int) as b from t"),
    ("function", "select date_trunc('month', a) as b from t", "select last_day(a) as b from t"),
    ("function", "select datediff('day', a, c) as b from t", "select a as b from t"),
    ("function", "select date_add(a, 1) as b from t", "select a as b from t"),
    ("function", "select string_agg(a, ',') as b from t", "select min(a) as b from t"),
    ("function", "select list_agg(a) as b from t", "select min(a) as b from t"),
    ("function", "select count(distinct a, c) as b from t", "select count(distinct a) as b from t"),
    ("function", "select count() as b from t", "select count(*) as b from t"),
    ("function", "select a.upper() as b from t", "select upper(a) as b from t"),
    (
        "function",
        "select ntile(5) over (partition by c order by a nulls last) as b from t",
        "select rank() over (partition by c order by a nulls last) as b from t",
    ),
    (
        "function",
        "select last_value(a ignore nulls) over (partition by c order by d nulls last) as b from t",
        "select last_value(a) over (partition by c order by d nulls last) as b from t",
    ),
    ("function", "select a ** 2 as b from t", "select a * a as b from t"),
    ("division", "select a / c as b from t", "select a * c as b from t"),
    ("division", "select a // c as b from t", "select a % c as b from t"),
    ("star", "select * exclude (a) from t", "select * from t"),
    ("star", "select * replace (a as b) from t", "select t.* from t"),
    (
        "type",
        "select cast(a as double) as b from t",
        "select cast(a as decimal(18, 4)) as b from t",
    ),
    ("type", "select a::float as b from t", "select a::bigint as b from t"),
    ("type", "select cast(a as real) as b from t", "select cast(a as int) as b from t"),
    ("type", "select cast(a as hugeint) as b from t", "select cast(a as boolean) as b from t"),
    (
        "type",
        "select cast(a as timestamptz) as b from t",
        "select cast(a as timestamp) as b from t",
    ),
    ("type", "select cast(a as int[]) as b from t", "select cast(a as date) as b from t"),
    (
        "type",
        "select cast(a as decimal) as b from t",
        "select cast(a as decimal(18, 0)) as b from t",
    ),
    ("type", "select cast(2.5 as int) as b from t", "select cast(25 as int) as b from t"),
    (
        "type",
        "select cast(cast(a as decimal(9, 2)) as int) as b from t",
        "select cast(cast(a as decimal(9, 0)) as int) as b from t",
    ),
    (
        "recursion",
        "with recursive x as (select 1 as a union all select a + 1 "
        "from x where a < 3) select a from x",
        "with x as (select 1 as a) select a from x",
    ),
    (
        "join",
        "select t.a from t asof join u on t.a >= u.a",
        "select t.a from t left join u on t.a = u.a",
    ),
    ("join", "select t.a from t positional join u", "select t.a from t cross join u"),
    (
        "join",
        "select t.a from t semi join u on t.a = u.a",
        "select t.a from t where exists (select 1 from u where t.a = u.a)",
    ),
    ("null order", "select a from t order by a", "select a from t order by a nulls last"),
    (
        "null order",
        "select a from t order by a nulls last, b desc",
        "select a from t order by a nulls last, b desc nulls first",
    ),
    (
        "null order",
        "select sum(a) over (partition by c order by d) as b from t",
        "select sum(a) over (partition by c order by d nulls last "
        "rows between 1 preceding and current row) as b from t",
    ),
    (
        "null order",
        "select first_value(a) over (partition by c order by "
        "coalesce(d, e), f nulls last) as b from t",
        "select first_value(a) over (partition by c order by "
        "coalesce(d, e) asc nulls last, f nulls last) as b from t",
    ),
    (
        "null order",
        "select min(a order by c) as b from t",
        "select min(a order by c nulls last) as b from t",
    ),
    ("clock", "select current_date as b from t", "select as_of as b from t"),
    ("clock", "select current_timestamp as b from t", "select spine.as_of as b from spine"),
    ("clock", "select now() as b from t", "select as_of as b from t"),
    ("clock", "select today() as b from t", "select as_of as b from t"),
    ("clock", "select localtimestamp as b from t", "select as_of as b from t"),
    ("clock", "select getdate() as b from t", "select as_of as b from t"),
    ("distinct on", "select distinct on (a) a, b from t", "select distinct a, b from t"),
    ("limit", "select a from t limit 1", "select a from t order by a nulls last limit 1"),
    (
        "limit",
        "select a from (select a from t limit 1) as u",
        "select a from (select a from t) as u",
    ),
    (
        "window",
        "select sum(a) over () as b from t",
        "select sum(a) over (partition by c) as b from t",
    ),
    (
        "window",
        "select row_number() over (order by a nulls last) as b from t",
        "select row_number() over (partition by c order by a nulls last) as b from t",
    ),
    (
        "window",
        "select sum(a) over (partition by 1) as b from t",
        "select sum(a) over (partition by c) as b from t",
    ),
    (
        "window",
        "select sum(a) over w as b from t window w as (order by c nulls last)",
        "select sum(a) over w as b from t window w as (partition by d order by c nulls last)",
    ),
    ("nested", "select [a, c] as b from t", "select a as b from t"),
    ("nested", "select {'x': a} as b from t", "select a as b from t"),
    ("nested", "select a[1] as b from t", "select a as b from t"),
    ("nested", "select a ->> '$.x' as b from t", "select a as b from t"),
    ("nested", "select list_filter(a, x -> x > 1) as b from t", "select a as b from t"),
    ("sample", "select a from t using sample 3", "select a from t"),
    (
        "pivot",
        "select * from t pivot (sum(a) for c in ('x', 'y'))",
        "select sum(a) filter (where c = 'x') as x from t",
    ),
    ("interval", "select a + interval 1 day as b from t", "select a + 1 as b from t"),
    (
        "interval",
        "select cast(a as date) - cast(c as date) as b from t",
        "select cast(a as date) - 1 as b from t",
    ),
    ("pattern", "select a from t where a ~ 'x'", "select a from t where a like 'x%'"),
    ("pattern", "select a from t where a similar to 'x'", "select a from t where a ilike 'x%'"),
    (
        "literal",
        r"select a from t where a like '\%'",
        "select a from t where a like '!%' escape '!'",
    ),
    ("double", "select a * 1e3 as b from t", "select a * 1000 as b from t"),
    ("quotes", 'select a as "B" from t', 'select a as b from "work"."main"."t"'),
    ("syntax", "from t select a", "select a from t"),
    ("syntax", "select a, from t", "select a from t"),
    (
        "syntax",
        "select a from t union by name select a from u",
        "select a from t union all select a from u",
    ),
    ("syntax", "select a a a from t", "select a as b from t"),
    ("syntax", "select a from t; select b from t", "select a from t"),
    ("syntax", "select 'a from t", "select 'a' as a from t"),
    (
        "alias",
        "with t as (select 1 as a) select a as b, b + 1 as c from t",
        "with t as (select 1 as a, 2 as b) select a as b, b + 1 as c from t",
    ),
    (
        "alias",
        "with t as (select 1 as a) select a + 1 as b from t where b > 1",
        "with t as (select 1 as a) select a + 1 as a from t where a > 1",
    ),
    ("function", "select a ^ 2 as b from t", "select a * a as b from t"),
    ("pattern", "select a from t where a rlike 'x'", "select a from t where a like 'x'"),
    ("pattern", "select a from t where a glob 'x*'", "select a from t where a like 'x%'"),
    ("syntax", "select #1 as a from t", "select b as a from t"),
    ("syntax", "select b: a from t", "select a as b from t"),
    ("syntax", "select a from t where b && c", "select a from t where b and c"),
    ("literal", "select e'x' as a from t", "select 'x' as a from t"),
    ("literal", "select $$x$$ as a from t", "select 'x' as a from t"),
    ("pivot", "select * from t unpivot (a for b in (c, d))", "select c as a from t"),
    (
        "join",
        "select t.a from t anti join u on t.a = u.a",
        "select t.a from t where not exists (select 1 from u where t.a = u.a)",
    ),
    (
        "engine markers",
        "select /*engine*/ a as b from t",
        "select /*engine*/ a /*end engine*/ as b from t",
    ),
    (
        "engine markers",
        "select a /*end engine*/ as b from t",
        "select a /* engine room */ as b from t",
    ),
]


@pytest.mark.parametrize(("rule", "refused", "portable"), CASES)
def test_each_rule_refuses_its_case_and_not_its_twin(
    rule: str, refused: str, portable: str
) -> None:
    assert rule in rules(lint_compiled(refused, "m.sql"))
    assert lint_compiled(portable, "m.sql") == []


@pytest.mark.parametrize(
    "sql",
    [
        "select a, count(*) as n from t group by all",
        "select a from t qualify row_number() over (partition by a order by b nulls last) = 1",
        "select count(*) filter (where a > 1) as n from t",
        "select a::string as b from t",
        "select md5(cast(a as TEXT)) as b from t",
        "select x.a from (values (1, 2), (3, 4)) as x (a, b)",
        "with x (a, b) as (select 1, 2) select a, b from x",
        "select a from t where (a, b) in (select a, b from u) and a between 1 and 2",
        "select count(*) as failures, count(*) != 0 as should_warn from t",
        "select trim(both ' ' from a) as a, position('x' in a) as b from t",
        "select a is distinct from b as differs from t",
        "select -- now() is only spoken of / here\n a /* avg(a) / 2 */ from t",
    ],
)
def test_what_is_the_same_on_both_engines_is_let_through(sql: str) -> None:
    assert lint_compiled(sql, "m.sql") == []


@pytest.mark.parametrize(
    "sql",
    [
        "select /*engine*/ median(a / 2) /*end engine*/ as b from t",
        "select /*engine*/ f(/*engine*/ a // 2 /*end engine*/, ']') /*end engine*/ as b from t",
        "select cast(a as /*engine*/ hugeint /*end engine*/) as b from t",
        "select /*engine*/ quantile_cont(a, 0.5) /*end engine*/ filter (where c) as b from t",
        "select /*engine*/ arg_max(a, c) /*end engine*/ over (partition by d) as b from t",
        "select a from /*engine*/ read_parquet('x') /*end engine*/ as u",
        "with x as (/*engine*/ select unnest([1, 2]) as a /*end engine*/) select a from x",
        "with /*engine*/ s1 as (select [1] as a), s2 as (select 1) /*end engine*/ select a from s1",
        "select a from t /*engine*/ asof join u on t.a >= u.a /*end engine*/",
        "select a from t /*engine*/ where a ~ 'b' /*end engine*/",
        "select a, /*engine*/ [a] as b, {'c': a} as c, /*end engine*/ d from t",
        "select '/*engine*/' as a, '-- /*end engine*/' as b from t",
        "select a -- /*engine*/\nfrom t",
    ],
)
def test_an_engine_region_may_hold_anything(sql: str) -> None:
    assert lint_compiled(sql, "m.sql") == []


def test_what_stands_beside_an_engine_region_is_still_judged() -> None:
    sql = "select\n/*engine*/ median(\na) /*end engine*/\n / 2 as b, avg(c) as d\nfrom t"
    found = lint_compiled(sql, "m.sql")
    assert [(finding.line, finding.rule) for finding in found] == [(4, "division"), (4, "function")]


def test_a_finding_names_file_line_function_and_what_to_write() -> None:
    (finding,) = lint_compiled("select\n    nvl(a, 0) as b\nfrom t", "models/x.sql")
    assert str(finding) == (
        "models/x.sql:2: function: `nvl` is not the same on both engines; coalesce"
    )
    (unknown,) = lint_compiled("select frobnicate(a) as b from t", "m.sql")
    assert "`frobnicate`" in unknown.message
    assert "macros/engines/" in unknown.message


def test_no_function_is_both_allowed_and_advised_against() -> None:
    assert not SAME_ON_BOTH & (ADVICE.keys() | CLOCK_WORDS)


def test_unbalanced_markers_name_their_line() -> None:
    with pytest.raises(ClienteleError, match=r"line 2.*never closed"):
        mask_engine_regions("select a\n/*engine*/ b")
    with pytest.raises(ClienteleError, match=r"line 1.*closes nothing"):
        mask_engine_regions("select a /*end engine*/")


def test_an_alias_is_judged_by_the_columns_of_relations() -> None:
    sql = 'with t as (select * from "w"."main"."orders") select 1 as status from t where status = 2'
    with_column = {("main", "orders"): frozenset({"status"})}
    without = {("main", "orders"): frozenset({"id"})}
    assert lint_compiled(sql, "m.sql", with_column) == []
    assert rules(lint_compiled(sql, "m.sql", without)) == {"alias"}
    assert lint_compiled(sql, "m.sql") == []  # not known, so not judged


_code = st.text(alphabet="ab1 ,()+\n", max_size=20)
_nested = st.recursive(
    _code,
    lambda inner: st.tuples(_code, inner, _code).map(
        lambda parts: f"{parts[0]}/*engine*/{parts[1]}/*end engine*/{parts[2]}"
    ),
    max_leaves=6,
)


@given(st.lists(_nested, max_size=4).map("".join))
def test_masking_keeps_every_line_and_no_marker(sql: str) -> None:
    masked = mask_engine_regions(sql)
    assert masked.count("\n") == sql.count("\n")
    assert "/*engine*/" not in masked
    assert "/*end engine*/" not in masked


@given(st.text(alphabet="'\"-/*en gi\n{}%#()", max_size=60))
def test_no_text_breaks_the_reading_of_source_or_compiled_sql(text: str) -> None:
    for found in (lint_compiled(text, "m.sql"), lint_source(text, "m.sql")):
        assert all(finding.line >= 1 for finding in found)


# (rule, refused source, its portable twin)
SOURCES: list[tuple[str, str, str]] = [
    ("function", "select {{ ratio('avg(a)', 'b') }}", "select {{ ratio('sum(a)', 'b') }}"),
    ("division", "select {{ ratio('a / b', 'c') }}", "select {{ ratio('a * b', 'c') }}"),
    (
        "null order",
        "select {{ f('max(a) over (partition by b order by c)') }}",
        "select {{ f('max(a) over (partition by b order by c nulls last)') }}",
    ),
    ("clock", "select current_timestamp as a from t", "select t.current_timestamp from t"),
    ("function", "{% set x = 'median(a)' %}", "{% set x = 'max(a)' %}"),
    (
        "clock",
        "select {{ days_between('a', 'current_date') }}",
        "select {{ days_between('a', 'as_of') }}",
    ),
    ("clock", "select {{ days_between('a', 'now()') }}", "select {{ now_of('a') }}"),
    ("clock", "{% set x = run_started_at %}", "{% set x = var('as_of') %}"),
    (
        "clock",
        "{% set x = modules.datetime.datetime.now() %}",
        "{% set x = modules.re.sub('a', 'b', c) %}",
    ),
    ("function", "select median(a) from t", "select {{ exact_median('a') }} from t"),
    ("function", "{{ f(\n  g('strftime(a, 1)')\n) }}", "{{ f(\n  g('upper(a)')\n) }}"),
    ("dbt helper", "select {{ dbt.datediff('a', 'b', 'day') }}", "select {{ dbt.hash('a') }}"),
    ("dbt helper", "select {{ dbt.safe_cast('a', 'int') }}", "select {{ dbt.type_string() }}"),
    ("type", "select cast(a as varchar) from t", "select cast(a as string) from t"),
    ("type", "select a::text from t", "select a::string from t"),
    ("quotes", 'select "a" from t', 'select {{ f("a") }} from t'),
    ("division", "select a / {{ b }} from t", "select a * {{ b }} from t"),
    ("engine markers", "select /*engine*/ a /*end engine*/", "select /* engine room */ a"),
]


@pytest.mark.parametrize(("rule", "refused", "portable"), SOURCES)
def test_arguments_that_vanish_into_regions_are_read_in_the_source(
    rule: str, refused: str, portable: str
) -> None:
    assert rule in rules(lint_source(refused, "m.sql"))
    assert lint_source(portable, "m.sql") == []


@pytest.mark.parametrize(
    "text",
    [
        "{# avg(a) / now() #} select a from t",
        '-- avg(a) / "now()"\nselect a from t /* median(a) / 2 */',
        "select a from t where b = 'avg(a) / 2' and c = '{{ var(\"x\") }} now()'",
        "{{ config(meta={'segment': {'objective': 'Win back now (date) a/b'}}) }} select a from t",
        "{{ exceptions.raise_compiler_error('use now() or a / b') }}",
        "{{ log('now()') }} {{ ref('now') }} {{ source('raw', 'list') }}",
        "select {{ columns | join(', ') }} from t",
        "select {{ 'a}}b' }} from t",
        "{% macro median(a) %} select {{ a }} {% endmacro %} {{ median('a') }}",
    ],
)
def test_comments_sentences_and_settings_are_no_sql(text: str) -> None:
    assert lint_source(text, "m.sql") == []


def test_a_finding_in_a_long_jinja_call_names_its_own_line() -> None:
    found = lint_source("select\n    {{ ratio(\n        'a',\n        'b / c'\n    ) }}\n", "m.sql")
    assert [(finding.line, finding.rule) for finding in found] == [(4, "division")]


def _manifest(**nodes: str | None) -> dict[str, Any]:
    return {
        "metadata": {"project_name": "clientele"},
        "sources": {},
        "nodes": {
            f"model.clientele.{name}": {
                "unique_id": f"model.clientele.{name}",
                "resource_type": "model",
                "package_name": "clientele",
                "name": name,
                "schema": "main",
                "original_file_path": f"models/facts/{name}.sql",
                "compiled_code": code,
                "depends_on": {"nodes": []},
            }
            for name, code in nodes.items()
        },
    }


def test_a_project_is_read_compiled_and_as_written(tmp_path: Path) -> None:
    for folder in ("models/facts", "macros/engines", "macros/metrics"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "models/facts/a.sql").write_text("select {{ dbt.dateadd('day', 1, 'b') }} as c")
    (tmp_path / "macros/engines/x.sql").write_text("/*engine*/ median(a) /*end engine*/")
    (tmp_path / "macros/metrics/y.sql").write_text("{% macro y(a) %} avg({{ a }}) {% endmacro %}")
    manifest = _manifest(
        a="select ntile(4) over (partition by a order by b nulls last) as c from t"
    )
    found = lint_project(manifest, tmp_path)
    assert [(finding.name, finding.rule) for finding in found] == [
        ("macros/metrics/y.sql", "function"),
        ("models/facts/a.sql", "dbt helper"),
        ("models/facts/a.sql (compiled)", "function"),
    ]


def test_models_of_other_packages_are_left_alone(tmp_path: Path) -> None:
    manifest = _manifest(a="select 1 as a", b="select avg(a) as a from t")
    manifest["nodes"]["model.clientele.b"]["package_name"] = "other"
    assert lint_project(manifest, tmp_path) == []


def test_a_model_that_is_not_compiled_is_a_finding_and_none_compiled_a_fault(
    tmp_path: Path,
) -> None:
    assert rules(lint_project(_manifest(a="select 1 as a", b=None), tmp_path)) == {"compiled"}
    with pytest.raises(ClienteleError, match="dbt compile"):
        lint_project(_manifest(a=None), tmp_path)


def test_the_columns_of_upstream_models_and_seeds_settle_aliases(tmp_path: Path) -> None:
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds/s.csv").write_text("Band,upper_edge\n1,2\n")
    manifest = _manifest(
        a='select *, 1 as extra from "w"."reference"."s"',
        b='with x as (select * from "w"."main"."a") select 1 as band from x where band = 2',
        c='with x as (select * from "w"."main"."a") select 1 as other from x where other = 2',
    )
    nodes = manifest["nodes"]
    nodes["seed.clientele.s"] = {
        "unique_id": "seed.clientele.s",
        "resource_type": "seed",
        "package_name": "clientele",
        "name": "s",
        "schema": "reference",
        "original_file_path": "seeds/s.csv",
        "depends_on": {"nodes": []},
    }
    nodes["model.clientele.a"]["depends_on"]["nodes"] = ["seed.clientele.s"]
    for name in ("b", "c"):
        nodes[f"model.clientele.{name}"]["depends_on"]["nodes"] = ["model.clientele.a"]
    found = lint_project(manifest, tmp_path)
    assert [(finding.name, finding.rule) for finding in found] == [
        ("models/facts/c.sql (compiled)", "alias")
    ]


def test_the_command_prints_a_line_per_finding_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "manifest.json"
    arguments = ["--manifest", str(path), "--project-dir", str(tmp_path)]
    path.write_text(json.dumps(_manifest(a="select avg(a) as b, a / 2 as c from t")))
    assert main(arguments) == 1
    assert len(capsys.readouterr().out.splitlines()) == 2
    path.write_text(json.dumps(_manifest(a="select sum(a) as b from t")))
    assert main(arguments) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_a_missing_or_broken_manifest_is_one_sentence(
    content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "manifest.json"
    if content is not None:
        path.write_text(content)
    assert main(["--manifest", str(path)]) == 1
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert "manifest" in said
    assert "dbt compile" in said


def test_a_missing_sqlglot_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlglot", None)
    with pytest.raises(ClienteleError, match="locked dependencies"):
        lint_compiled("select 1 as a", "m.sql")


def test_the_module_imports_without_sqlglot() -> None:
    assert "sqlglot" not in vars(portability)


def test_the_whole_project_is_portable(compiled_manifest: dict[str, Any]) -> None:
    found = lint_project(compiled_manifest, PROJECT)
    assert not found, "\n".join(str(finding) for finding in found)
