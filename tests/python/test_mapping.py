"""A mapping is taken as written, and what is wrong is refused with its line."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import pytest

from orchestration.contract import load_contract
from orchestration.errors import ClienteleError
from orchestration.expressions import ExpressionError, ExpressionParser
from orchestration.mapping import Mapping, load_mapping

CONTRACT = load_contract()
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def load(folder: Path, text: str) -> Mapping:
    path = folder / "mapping.yml"
    path.write_text(text, encoding="utf-8")
    return load_mapping(path, CONTRACT)


def test_no_mapping_gives_the_defaults(tmp_path: Path) -> None:
    assert load_mapping(None, CONTRACT) == Mapping()
    assert load_mapping(tmp_path / "mapping.yml", CONTRACT) == Mapping()
    assert load(tmp_path, "# nothing yet\n").business_time_zone == "UTC"


def test_everything_in_a_mapping_is_read(tmp_path: Path) -> None:
    mapping = load(
        tmp_path,
        """\
business_time_zone: Europe/London
reporting_currency: gbp
business_started_on: 2005-01-01
default_country: NO
entities:
  orders:
    - files: "shop/*.csv"
      columns:
        order_id: Order No
        net_amount: 12
      where: "x <> 'y'"
      key: [order_id]
      duplicates: drop
      source_system: shop
      time_format: "%d/%m/%Y %H:%M"
      encoding: latin-1
      delimiter: "\\t"
      skip_lines: 2
      defaults: {status: completed, currency: GBP}
    - files: till/**
""",
    )

    first, second = mapping.blocks
    assert mapping.business_started_on == dt.date(2005, 1, 1)
    assert mapping.reporting_currency == "GBP"
    assert mapping.default_country == "NO"  # not YAML's false
    assert (first.columns["order_id"].text, first.columns["order_id"].line) == ("Order No", 9)
    assert first.columns["net_amount"].text == "12"
    assert first.where is not None
    assert first.where.line == 11
    assert first.place() == "mapping.yml line 7"
    assert (first.key, first.duplicates, first.source_system) == (("order_id",), "drop", "shop")
    assert (first.encoding, first.delimiter) == ("iso8859-1", "\t")
    assert (first.skip_lines, second.skip_lines) == (2, 0)
    assert first.defaults == {"status": "completed", "currency": "GBP"}
    assert (second.files, second.place()) == ("till/**", "mapping.yml line 20")


ENTITY = "entities:\n  orders:\n    files: o.csv\n"


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("busines_time_zone: UTC\n", 1, "did you mean 'business_time_zone'"),
        ("business_time_zone: Europe/Londn\n", 1, "did you mean 'Europe/London'"),
        ("\nreporting_currency: Pounds\n", 2, "three letters"),
        ("default_country: Britain\n", 1, "two letters"),
        ("business_started_on: 2005-13-01\n", 1, "'2005-13-01' is not a date"),
        ("business_started_on: 01/01/2005\n", 1, "is not a date"),
        ("entities:\n  ordres:\n    files: x\n", 2, "did you mean 'orders'"),
        ("entities:\n  orders:\n    columns: {}\n", 3, "has no 'files'"),
        (ENTITY + "    colums: {}\n", 4, "did you mean 'columns'"),
        (ENTITY + "    columns:\n      order_ref: x\n", 5, "did you mean 'order_id'"),
        (ENTITY + "    columns:\n      order_id:\n", 5, "'order_id' needs one value"),
        (ENTITY + "    columns: [order_id]\n", 4, "not a list of 'name: value'"),
        (ENTITY + "    defaults: {statuss: x}\n", 4, "did you mean 'status'"),
        (ENTITY + "    key: [order_no]\n", 4, "which is not a column of orders"),
        (ENTITY + "    duplicates: skip\n", 4, "keep, drop"),
        (ENTITY + "    encoding: utf-ate\n", 4, "not a text encoding"),
        (ENTITY + "    encoding: rot13\n", 4, "not a text encoding"),
        (ENTITY + "    delimiter: ab\n", 4, "not one punctuation character"),
        (ENTITY + "    skip_lines: -1\n", 4, "number of lines above the header"),
        (ENTITY + "    skip_lines: two\n", 4, "number of lines above the header"),
        (ENTITY + '    time_format: "%Q"\n', 4, "not a time format"),
        (ENTITY + "    time_format: iso\n", 4, "not a time format"),
        (ENTITY + "    files: p.csv\n", 4, "stands twice"),
        ("entities:\n  orders:\n    files: ../x.csv\n", 3, "out of the landing folder"),
        ("entities:\n  orders:\n    files: /etc/passwd\n", 3, "out of the landing folder"),
        ("entities:\n  orders:\n    files: a/../../x\n", 3, "out of the landing folder"),
        ("entities: [\n", 2, "not valid YAML"),
        ("entities:\n  orders:\n    files: a: b\n", 3, "not valid YAML"),
        ("- a\n", 1, "not a list of 'name: value'"),
    ],
)
def test_a_wrong_mapping_is_refused_with_its_line(
    tmp_path: Path, text: str, line: int, told: str
) -> None:
    with pytest.raises(ClienteleError) as caught:
        load(tmp_path, text)

    assert caught.value.where == f"mapping.yml line {line}"
    assert told in caught.value.sentence


def test_a_mapping_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mapping.yml").write_bytes(b"default_country: \xff\n")
    with pytest.raises(ClienteleError, match="UTF-8"):
        load_mapping(tmp_path / "mapping.yml", CONTRACT)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*/mapping*.yml")), ids=lambda p: p.name)
def test_every_example_is_a_right_mapping(path: Path) -> None:
    assert load_mapping(path, CONTRACT).blocks


@pytest.mark.parametrize(
    "text",
    [
        "a + 1",
        "case when a like 'C%' then 'x; select' end -- remark",
        "list_transform([a], x -> x || 'b')[1]",
        'try_cast("with space" as integer)',
        "strptime(a, '%Y')",
        "list_max([a, 'b'])",
    ],
)
def test_plain_expressions_may_run(text: str) -> None:
    assert ExpressionParser(duckdb.connect()).parse(text, {"a"}).text == text


@pytest.mark.parametrize(
    "text",
    [
        "(select 1)",
        "(select content from read_text('/etc/passwd'))",
        "exists (from read_text('/etc/passwd'))",
        "a in (select 1)",
        "a from read_text('/etc/passwd')",
        "1; select 2",
        "1) from read_text('x') --",
        "1; copy (select 1) to 'x.csv'",
        "write_log(a)",
        "getenv('HOME')",
        "current_setting('temp_directory')",
        "sum(a)",
        "count(*)",
        "a || max(a)",
        "row_number() over ()",
        "unnest([1, 2])",
        "*",
        "columns('a')",
        "a as b",
        "a, a",
        "a where true",
        "a order by a",
        "now()",
        "coalesce(a, current_date)",
        "random()",
        "age(a)",
        "$1",
        "",
        "case when",
    ],
)
def test_expressions_that_read_elsewhere_or_differ_each_time_may_not_run(text: str) -> None:
    with pytest.raises(ExpressionError):
        ExpressionParser(duckdb.connect()).parse(text, {"a"})


def test_a_column_may_bear_the_name_of_the_clock() -> None:
    parsed = ExpressionParser(duckdb.connect()).parse("upper(user)", {"user"})
    assert parsed.columns == {"user"}
