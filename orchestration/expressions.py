"""SQL expressions that people write in a mapping: what they may contain, and which columns.

Belongs here: deciding from the parse tree alone. Does not belong here: running an expression
(``ingest``), or where it was written (``mapping``).

An expression sees one line of one file. Sub-queries, table functions and other statements would
let it read files; windows and aggregates would make a row depend on which other files were read
with it; a clock or random number would load the same file differently tomorrow. DuckDB's own
parser decides, so a comment or a quote cannot hide anything.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

import duckdb

_REFUSED_CLASSES: Final = {
    "SUBQUERY": "a sub-query",
    "WINDOW": "a window function",
    "STAR": "a star",
    "PARAMETER": "a parameter",
    "DEFAULT": "a default",
}
_REFUSED_FUNCTIONS: Final = frozenset({"unnest", "generate_subscripts", "getenv", "query"})
#: Read as columns by the parser and as the clock by the binder.
_CLOCK_WORDS: Final = frozenset(
    {
        "current_date",
        "current_time",
        "current_timestamp",
        "localtime",
        "localtimestamp",
        "current_user",
        "session_user",
        "user",
    }
)


class ExpressionError(ValueError):
    """What an expression may not be, as the end of a sentence that starts with its name."""


@dataclass(frozen=True)
class Parsed:
    """An expression that may run.

    Attributes:
        text: as written.
        columns: lower-case names that it refers to, parameters of lambdas among them.
    """

    text: str
    columns: frozenset[str]


class ExpressionParser:
    """Checks expressions with the parser and the function catalogue of one connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        rows = connection.execute(
            "select distinct lower(function_name) from duckdb_functions() "
            "where stability <> 'CONSISTENT'"
        ).fetchall()
        self._unsteady = frozenset(str(row[0]) for row in rows)
        rows = connection.execute(
            "select distinct lower(function_name) from duckdb_functions() "
            "where function_type = 'aggregate'"
        ).fetchall()
        self._aggregates = frozenset(str(row[0]) for row in rows)

    def parse(self, text: str, headers: Collection[str]) -> Parsed:
        """Check an expression; nothing is read and nothing is run.

        Args:
            text: the expression.
            headers: lower-case names of the file's columns.

        Raises:
            ExpressionError: it is not one plain expression over the columns of a line.
        """
        row = self._connection.execute(
            "select json_serialize_sql(?)", [f"select\n{text}\n"]
        ).fetchone()
        tree: dict[str, Any] = json.loads(row[0]) if row else {"error": True}
        if tree.get("error"):
            raise ExpressionError(f"is not valid SQL ({_first_line(tree.get('error_message'))})")
        names: set[str] = set()
        for part in _walk(_only_select(tree)["select_list"][0]):
            kind = str(part.get("class"))
            if kind in _REFUSED_CLASSES:
                raise ExpressionError(f"holds {_REFUSED_CLASSES[kind]}")
            if kind == "COLUMN_REF":
                path = [str(name).lower() for name in part["column_names"]]
                if path[0] in _CLOCK_WORDS and path[0] not in headers:
                    raise ExpressionError(f"holds {path[0]}, which differs from run to run")
                names.update(path)
            elif kind == "FUNCTION":
                self._check_function(part)
        return Parsed(text=text, columns=frozenset(names))

    def _check_function(self, part: dict[str, Any]) -> None:
        name = str(part["function_name"]).lower()
        # age(x) with one argument counts from today
        if name in self._unsteady or (name == "age" and len(part["arguments"]) == 1):
            raise ExpressionError(f"calls {name}(), which differs from run to run")
        if name in _REFUSED_FUNCTIONS or name in self._aggregates:
            raise ExpressionError(f"calls {name}(), which is not for single lines")


def _only_select(tree: dict[str, Any]) -> dict[str, Any]:
    """The select node, when the text was one expression and nothing else."""
    statements = tree.get("statements", [])
    node: dict[str, Any] = statements[0].get("node", {}) if len(statements) == 1 else {}
    plain = (
        node.get("type") == "SELECT_NODE"
        and len(node["select_list"]) == 1
        and node["from_table"]["type"] == "EMPTY"
        and not node["modifiers"]
        and not node["cte_map"]["map"]
        and not node["group_expressions"]
        and not any(node.get(part) for part in ("where_clause", "having", "sample", "qualify"))
    )
    if not plain:
        raise ExpressionError("is more than one SQL expression")
    if node["select_list"][0].get("alias"):
        raise ExpressionError(
            "is neither a column of the file nor an SQL expression "
            "(quote a column name that holds spaces in an expression)"
        )
    return node


def _walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value)


def _first_line(message: Any) -> str:
    return str(message or "it cannot be parsed").strip().splitlines()[0].rstrip(".")
