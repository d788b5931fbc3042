"""The input contract, read from its one written form, ``models/staging/_sources.yml``.

Belongs here: the entities, columns, types, keys and tags that the dbt source definitions declare,
as plain immutable values, and the checks that the file itself is well formed. Does not belong
here: how files are found, mapped, typed or stored (``landing``, ``mapping``, ``typing_rules``,
``raw_store``), and anything that needs dbt: the file is read as plain YAML.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from orchestration.errors import ClienteleError
from orchestration.yaml_text import load_yaml

DEFAULT_CONTRACT_PATH: Final = (
    Path(__file__).resolve().parents[1] / "models" / "staging" / "_sources.yml"
)

#: The column that every entity may carry; ids are unique within it.
SOURCE_SYSTEM: Final = "source_system"
#: What it holds where neither the file nor the mapping says anything.
DEFAULT_SOURCE_SYSTEM: Final = "default"

_SQL_TYPES: Final = {
    "string": "VARCHAR",
    "int": "INTEGER",
    "bigint": "BIGINT",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}
_DECIMAL: Final = re.compile(r"decimal\((\d{1,2}),\s*(\d{1,2})\)")
_GROUP: Final = re.compile(r"one_of_\w+")


@dataclass(frozen=True)
class Column:
    """A column of the contract.

    Attributes:
        name: its name in the contract.
        data_type: as written: string, int, bigint, boolean, date, timestamp or decimal(p,s).
        description: what it holds.
        required: a row without a value is quarantined, a file without the column is refused.
        personal: ``identifier``, ``direct`` or ``attribute`` for personal data, else None.
        accepted_values: lower-case values that may occur, or empty for any; one that ends with
            ``*`` stands for every value that begins like it.
        event_time: the business time of the row, held against the plausible span.
        minimum, maximum: the least and the greatest value that may occur, or None.
        above: a value that every value exceeds, or None.
        limits_where: a column and the value of it for which these limits hold; None for always.
        not_before: the first date that may occur, or None.
        not_after_load: no date after the business day on which it was loaded may occur.
        format: ``json`` for a text that must be JSON, else None.
        e164_of: the column whose phone number this column holds in E.164, or None. Ingestion
            fills it; no file and no mapping does.
    """

    name: str
    data_type: str
    description: str = ""
    required: bool = False
    personal: str | None = None
    accepted_values: tuple[str, ...] = ()
    event_time: bool = False
    minimum: int | None = None
    maximum: int | None = None
    above: int | None = None
    limits_where: tuple[str, str] | None = None
    not_before: dt.date | None = None
    not_after_load: bool = False
    format: str | None = None
    e164_of: str | None = None

    @property
    def kind(self) -> str:
        """The type without its parameters: ``decimal`` for ``decimal(18,4)``."""
        return self.data_type.partition("(")[0]

    @property
    def sql_type(self) -> str:
        """The DuckDB type that holds the column; timestamps are naive UTC."""
        return _SQL_TYPES.get(self.data_type, self.data_type.upper())

    @property
    def scale(self) -> int:
        """Digits after the point of a decimal; 0 for any other type."""
        found = _DECIMAL.fullmatch(self.data_type)
        return int(found[2]) if found else 0


@dataclass(frozen=True)
class Freshness:
    """How old the newest row of an input may be, at the as_of of a refresh.

    Attributes:
        warn_after_days: older than this is told; None for never.
        error_after_days: older than this stops the refresh, where the input is required.
    """

    warn_after_days: int | None = None
    error_after_days: int | None = None


@dataclass(frozen=True)
class Entity:
    """A table of the contract: what one kind of landed row looks like.

    Attributes:
        name: for example ``order_lines``.
        columns: in the order of the contract.
        key: columns that identify a row, or empty when every row counts.
        key_if_given: rows whose own key columns are all empty each count.
        orders_by: the column that decides between two rows of one key, or None.
        replaced_by: columns whose rows a later file replaces as a whole.
        position_within: columns within which a missing last key column is the row's place.
        one_of: columns of which each row needs at least one, or empty.
        required: False, True, or the name of a group of which one entity must have landed.
        event_time: column that says when a row happened, or None.
        freshness: how old its newest row may be.
        owner: team that answers for the input.
        description: first sentence is the grain.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    key_if_given: bool = False
    orders_by: str | None = None
    replaced_by: tuple[str, ...] = ()
    position_within: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    required: bool | str = False
    event_time: str | None = None
    freshness: Freshness = Freshness()
    owner: str = ""
    description: str = ""

    def column(self, name: str) -> Column:
        """The column of that name; KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of all columns, in the order of the contract."""
        return tuple(column.name for column in self.columns)

    @property
    def landed_columns(self) -> tuple[Column, ...]:
        """The columns that files fill; the others ingestion derives from them."""
        return tuple(column for column in self.columns if column.e164_of is None)

    @property
    def landed_names(self) -> tuple[str, ...]:
        """Names of the columns that files fill."""
        return tuple(column.name for column in self.landed_columns)

    @property
    def position_column(self) -> str | None:
        """The key column that a row's place fills where it is missing, or None."""
        if not self.position_within:
            return None
        return next(name for name in self.key if name not in self.position_within)


@dataclass(frozen=True)
class Contract:
    """All that may land, and the tables in which ingestion reports what did.

    Attributes:
        entities: in the order of the file, which is the order of loading.
        run_tables: columns of the tables of schema ``run`` by table name.
    """

    entities: tuple[Entity, ...]
    run_tables: dict[str, tuple[Column, ...]]

    def entity(self, name: str) -> Entity:
        """The entity of that name; KeyError when there is none."""
        for entity in self.entities:
            if entity.name == name:
                return entity
        raise KeyError(name)

    @property
    def entity_names(self) -> tuple[str, ...]:
        """Names of all entities, in the order of loading."""
        return tuple(entity.name for entity in self.entities)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``did you mean 'x'?`` for the nearest known word, else the list of known words."""
    choices = list(known)
    lowered = {choice.lower(): choice for choice in choices}
    near = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{lowered[near[0]]}'?"
    return "expected one of: " + ", ".join(choices)


def load_contract(path: Path = DEFAULT_CONTRACT_PATH) -> Contract:
    """Read the contract.

    Args:
        path: the dbt source definitions.

    Returns:
        The entities of source ``raw`` and the tables of source ``run``.

    Raises:
        ClienteleError: the file is missing, is not YAML, or declares something that ingestion
            does not understand; nothing is guessed.
    """
    where = "/".join(path.parts[-3:])
    try:
        document = load_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ClienteleError(
            f"the input contract cannot be read ({error.strerror})",
            where=where,
            remedy="restore the file from the repository",
        ) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark is not None else ""
        raise ClienteleError(
            "the input contract is not valid YAML", where=where + line, remedy="correct the line"
        ) from error
    sources = {source["name"]: source for source in (document or {}).get("sources", [])}
    for name in ("raw", "run"):
        if name not in sources:
            raise _malformed(where, f"source '{name}' is not declared")
    return Contract(
        entities=tuple(_entity(table, where) for table in sources["raw"].get("tables", [])),
        run_tables={
            table["name"]: _columns(table, f"{where} {table['name']}")
            for table in sources["run"].get("tables", [])
        },
    )


def _malformed(where: str, what: str) -> ClienteleError:
    return ClienteleError(
        f"the input contract is not well formed: {what}",
        where=where,
        remedy="correct the source definition",
    )


def _meta(node: dict[str, Any]) -> dict[str, Any]:
    config = node.get("config") or {}
    return dict(config.get("meta") or {})


def _entity(table: dict[str, Any], where: str) -> Entity:
    name = str(table["name"])
    place = f"{where} {name}"
    meta = _meta(table)
    columns = _columns(table, place)
    dated = [column.name for column in columns if column.event_time]
    entity = Entity(
        name=name,
        columns=columns,
        key=tuple(meta.get("key", ())),
        key_if_given=bool(meta.get("key_if_given", False)),
        orders_by=meta.get("orders_by"),
        replaced_by=tuple(meta.get("replaced_by", ())),
        position_within=tuple(meta.get("position_within", ())),
        one_of=tuple(meta.get("one_of", ())),
        event_time=meta.get("event_time") or (dated[0] if dated else None),
        freshness=_freshness(table, place),
        required=meta.get("required", False),
        owner=str(meta.get("owner", "")),
        description=str(table.get("description", "")).strip(),
    )
    named = {*entity.key, *entity.replaced_by, *entity.position_within, *entity.one_of}
    named.update(column.e164_of for column in columns if column.e164_of is not None)
    named.update(column.limits_where[0] for column in columns if column.limits_where is not None)
    named.update(column for column in (entity.orders_by, entity.event_time) if column is not None)
    for column in sorted(named - set(entity.column_names)):
        raise _malformed(place, f"config.meta names column '{column}', which is not declared")
    if entity.position_within:
        open_columns = [column for column in entity.key if column not in entity.position_within]
        kinds = [entity.column(column).kind for column in open_columns]
        if kinds not in (["int"], ["bigint"]):
            raise _malformed(
                place, "position_within must leave exactly one column of the key, a whole number"
            )
    if not isinstance(entity.required, bool) and not _GROUP.fullmatch(str(entity.required)):
        raise _malformed(place, "'required' must be true, false or one_of_<group>")
    return entity


def _freshness(table: dict[str, Any], where: str) -> Freshness:
    """dbt's own ``freshness`` of a source, in days."""
    declared = (table.get("config") or {}).get("freshness") or {}
    days: dict[str, int | None] = {}
    for name in ("warn_after", "error_after"):
        limit = declared.get(name)
        if limit is not None and limit.get("period") != "day":
            raise _malformed(where, f"{name} of its freshness is not in days")
        days[name] = None if limit is None else int(limit["count"])
    return Freshness(days["warn_after"], days["error_after"])


def _columns(table: dict[str, Any], where: str) -> tuple[Column, ...]:
    columns = tuple(_column(node, where) for node in table.get("columns", []))
    names = [column.name for column in columns]
    for name in names:
        if names.count(name) > 1:
            raise _malformed(where, f"column '{name}' is declared twice")
    return columns


def _column(node: dict[str, Any], where: str) -> Column:
    meta = _meta(node)
    name = str(node["name"])
    data_type = str(node.get("data_type", ""))
    if data_type not in _SQL_TYPES and not _DECIMAL.fullmatch(data_type):
        raise _malformed(where, f"column '{name}' has the unknown type '{data_type}'")
    not_before = meta.get("not_before")
    if not_before is not None and (data_type != "date" or type(not_before) is not dt.date):
        raise _malformed(where, f"'not_before' of column '{name}' is not a date of a date")
    if meta.get("not_after_load") and data_type != "date":
        raise _malformed(where, f"'not_after_load' of column '{name}' is for dates")
    return Column(
        name=name,
        data_type=data_type,
        description=str(node.get("description", "")).strip(),
        required=bool(meta.get("required", False)),
        personal=meta.get("personal"),
        accepted_values=tuple(str(value).lower() for value in meta.get("accepted_values", ())),
        event_time=bool(meta.get("event_time", False)),
        minimum=meta.get("minimum"),
        maximum=meta.get("maximum"),
        above=meta.get("above"),
        limits_where=_limits_where(meta, f"{where} {name}"),
        not_before=not_before,
        not_after_load=bool(meta.get("not_after_load", False)),
        e164_of=meta.get("e164_of"),
        format=_format(meta.get("format"), data_type, f"{where} {name}"),
    )


def _limits_where(meta: dict[str, Any], where: str) -> tuple[str, str] | None:
    declared = meta.get("limits_where")
    if declared is None:
        return None
    if not isinstance(declared, dict) or len(declared) != 1:
        raise _malformed(where, "'limits_where' must name one column and the value of it")
    if not {"minimum", "maximum", "above"} & meta.keys():
        raise _malformed(where, "'limits_where' stands without a minimum, maximum or above")
    ((column, value),) = declared.items()
    return str(column), str(value).lower()


def _format(declared: Any, data_type: str, where: str) -> str | None:
    if declared is not None and (declared != "json" or data_type != "string"):
        raise _malformed(where, f"'{declared}' is not a format of a {data_type}")
    return None if declared is None else str(declared)
