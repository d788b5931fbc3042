"""The contracts of segments, and segments that say something else than they should.

A contract is a dbt unit test beside a segment: rows of its inputs, and who must come out. Here it
runs without dbt, in memory, against the compiled SQL of its segment, so that hundreds of mutants of
that SQL can be tried in seconds. Does not belong here: what the tests claim
(test_segment_contracts.py).
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import sqlglot
import yaml
from pipeline import PROJECT, Pipeline, project_variables
from sqlglot import exp

SEGMENTS = PROJECT / "models" / "segments"
_SCHEMA = "contract_inputs"
_Mutation = tuple[str, Callable[[exp.Expression], exp.Expression]]


def segment_files() -> dict[str, Path]:
    """The file of every segment and exclusive group, on or off, by the name of its model."""
    return {path.stem: path for path in sorted(SEGMENTS.rglob("*.sql"))}


def everything_on() -> dict[str, Any]:
    """Variables under which every segment file is in its list."""
    variables = project_variables()
    on: dict[str, Any] = {}
    for kind in ("segments", "segment_groups"):
        on[kind] = [*variables[kind], *variables[f"{kind}_off"]]
        on[f"{kind}_off"] = []
    return on


def compiled_segments(pipeline: Pipeline) -> dict[str, str]:
    """The compiled SQL of every segment and group, by the name of its model."""
    return {
        node["name"]: node["compiled_code"]
        for node in pipeline.order
        if node["name"] in segment_files()
    }


def segments_alone(pipeline: Pipeline) -> Pipeline:
    """The pipeline with the segments and what they are made of, and nothing behind them."""
    there = {node["name"] for node in pipeline.order}
    return pipeline.reduced_to(there & segment_files().keys())


def column_types(pipeline: Pipeline) -> dict[str, dict[str, str]]:
    """The types of everything that segments read, as the project itself makes it, by model."""
    connection = segments_alone(pipeline).run({}, as_of=datetime(2026, 6, 30))
    types: dict[str, dict[str, str]] = {}
    for table, column, kind in connection.execute(
        "select table_name, column_name, data_type from duckdb_columns() "
        "where database_name = 'work' order by column_index"
    ).fetchall():
        types.setdefault(table, {})[column] = kind
    return types


@dataclass(frozen=True)
class Contract:
    """One unit test of a segment: its inputs by name of the model, and who comes out."""

    name: str
    model: str
    given: Mapping[str, list[dict[str, Any]]]
    expected: list[dict[str, Any]]


@cache
def read_contracts() -> list[Contract]:
    """Every contract, in the order of the files."""
    found: list[Contract] = []
    for path in sorted(SEGMENTS.rglob("*.yml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        for test in document.get("unit_tests", []):
            given = {
                item["input"].removeprefix("ref('").removesuffix("')"): item["rows"]
                for item in test["given"]
            }
            found.append(Contract(test["name"], test["model"], given, test["expect"]["rows"]))
    return found


def parse(compiled_code: str) -> exp.Expression:
    """The compiled SQL of a segment, reading its inputs from the schema of the fixtures."""
    tree = sqlglot.parse_one(compiled_code, dialect="duckdb")
    for table in tree.find_all(exp.Table):
        if table.catalog:
            table.set("catalog", None)
            table.set("db", exp.to_identifier(_SCHEMA))
    return tree


class Bench:
    """Fixtures of contracts in memory.

    Args:
        types: type by column of every model that a segment reads, by name of the model.
    """

    def __init__(self, types: Mapping[str, Mapping[str, str]]) -> None:
        self._types = types
        self._connection = duckdb.connect()
        self._connection.execute("set timezone = 'UTC'; set threads = 1")
        self._schemas: dict[str, str] = {}
        self._expected: dict[str, tuple[list[str], Counter[tuple[Any, ...]]]] = {}

    def prepare(self, contract: Contract, tree: exp.Expression) -> None:
        """Make the inputs of a contract, and what it expects in the types that its segment has."""
        schema = f"contract_{len(self._schemas)}"
        self._schemas[contract.name] = schema
        self._connection.execute(f"create schema {schema}")
        for model, rows in contract.given.items():
            columns = self._types[model]
            listed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
            self._connection.execute(f'create table {schema}."{model}" ({listed})')
            self._insert(f'{schema}."{model}"', rows)
        names = list(dict.fromkeys(name for row in contract.expected for name in row))
        query = self._of(contract, tree.sql(dialect="duckdb"), names)
        self._connection.execute(f"create table {schema}.expected as {query} limit 0")
        self._insert(f"{schema}.expected", contract.expected)
        rows = self._connection.execute(f"from {schema}.expected").fetchall()
        self._expected[contract.name] = names, Counter(rows)

    def holds(self, contract: Contract, sql: str) -> bool:
        """Whether SQL gives exactly the rows that a prepared contract expects."""
        names, expected = self._expected[contract.name]
        found = self._connection.execute(self._of(contract, sql, names)).fetchall()
        return Counter(found) == expected

    def _of(self, contract: Contract, sql: str, names: Iterable[str]) -> str:
        inputs = sql.replace(_SCHEMA, self._schemas[contract.name])
        return f"select {', '.join(names)} from ({inputs})"

    def _insert(self, relation: str, rows: Iterable[Mapping[str, Any]]) -> None:
        for row in rows:
            columns = ", ".join(f'"{name}"' for name in row)
            marks = ", ".join("?" for _ in row)
            # As text, so that a number reaches a decimal as it is written.
            values = [None if value is None else str(value) for value in row.values()]
            self._connection.execute(f"insert into {relation} ({columns}) values ({marks})", values)


@dataclass(frozen=True)
class Mutant:
    """The SQL of a segment with one thing turned around, and what that is in words."""

    change: str
    sql: str


def mutants(tree: exp.Expression) -> Iterator[Mutant]:
    """Every mutant of a query: one comparison, bound, operator, join or literal each."""
    for index, node in enumerate(tree.walk()):
        for change, replaced in _mutations(node):
            copied = tree.copy()
            target = next(item for place, item in enumerate(copied.walk()) if place == index)
            new = replaced(target.copy())
            before, after = target.sql(dialect="duckdb"), new.sql(dialect="duckdb")
            mutated = new if target is copied else copied
            target.replace(new)
            yield Mutant(f"{change}: {before} became {after}", mutated.sql(dialect="duckdb"))


def _as(kind: type[exp.Expression]) -> Callable[[exp.Expression], exp.Expression]:
    """The same operands under another operator."""
    return lambda node: kind(**{name: copy.copy(value) for name, value in node.args.items()})


def _with(**values: Any) -> Callable[[exp.Expression], exp.Expression]:
    """The same node with other arguments."""

    def changed(node: exp.Expression) -> exp.Expression:
        for name, value in values.items():
            node.set(name, value)
        return node

    return changed


_OPERATORS: Mapping[type[exp.Expression], tuple[type[exp.Expression], ...]] = {
    exp.GT: (exp.GTE, exp.LTE),
    exp.GTE: (exp.GT, exp.LT),
    exp.LT: (exp.LTE, exp.GTE),
    exp.LTE: (exp.LT, exp.GT),
    exp.EQ: (exp.NEQ,),
    exp.NEQ: (exp.EQ,),
    exp.And: (exp.Or,),
    exp.Or: (exp.And,),
    exp.Add: (exp.Sub,),
    exp.Sub: (exp.Add,),
    exp.Mul: (exp.Add,),
    exp.Max: (exp.Min,),
    exp.Min: (exp.Max,),
    exp.LogicalOr: (exp.LogicalAnd,),
    exp.LogicalAnd: (exp.LogicalOr,),
}


def _mutations(node: exp.Expression) -> Iterator[_Mutation]:
    for kind in _OPERATORS.get(type(node), ()):
        yield "another operator", _as(kind)
    if isinstance(node, (exp.Not, exp.Neg)):
        yield "without its sign", lambda found: found.this
    if isinstance(node, (exp.In, exp.Between, exp.Is, exp.Exists)) and not isinstance(
        node.parent, exp.Not
    ):
        yield "turned around", exp.not_
    if isinstance(node, exp.In):
        for place in range(len(node.expressions) if len(node.expressions) > 1 else 0):
            kept = [item.copy() for at, item in enumerate(node.expressions) if at != place]
            yield "one value less", _with(expressions=kept)
    if isinstance(node, exp.Between):
        for open_end, low, high in (("low", exp.GT, exp.LTE), ("high", exp.GTE, exp.LT)):
            yield f"{open_end} end open", _between(low, high)
    if isinstance(node, exp.Boolean):
        yield "the other", lambda found: exp.Boolean(this=not found.this)
    if isinstance(node, exp.Literal) and not isinstance(node.parent, exp.DataTypeParam):
        yield from _other_literals(node)
    if isinstance(node, exp.Select) and node.args.get("distinct"):
        yield "without distinct", _with(distinct=None)
    if isinstance(node, exp.Union) and node.args.get("distinct"):
        yield "without distinct", _with(distinct=False)
    if isinstance(node, exp.Join) and node.side == "LEFT":
        yield "inner join", _with(side=None, kind="INNER")


def _between(
    low: type[exp.Expression], high: type[exp.Expression]
) -> Callable[[exp.Expression], exp.Expression]:
    return lambda node: exp.paren(
        exp.And(
            this=low(this=node.this.copy(), expression=node.args["low"].copy()),
            expression=high(this=node.this.copy(), expression=node.args["high"].copy()),
        )
    )


def _other_literals(node: exp.Literal) -> Iterator[_Mutation]:
    if node.is_string:
        text = f"~{node.this}~"
        yield "another text", lambda found: exp.Literal.string(text)
        return
    value = Decimal(node.this)
    step = Decimal(1).scaleb(int(value.as_tuple().exponent))
    for other in (value + step, value - step):
        yield "one step off", lambda found, other=other: exp.Literal.number(str(other))
