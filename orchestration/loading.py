"""Loading one group of like files: stage its records, type and judge them, write the batch.

Belongs here: the SQL of one group, from records to Parquet, and the count of every line. Does
not belong here: which files are new (``ingest``), how columns are mapped (``ingest_plan``), the
careful reading of text (``text_records``), or the rules of types (``typing_rules``).

Two ways read a CSV file. DuckDB reads all like files at once; where the records it found are as
many as the lines there are, each record stands on a line of its own and the line numbers are
known. Any other file (quoted newlines, blank or broken lines, lines above the header, other
encodings) is read record by record in Python.

A large file is first tried straight: one query from the file to the batch. If that wrote as many
rows as the file has lines, every line was read and accepted, and nothing else needs to be known of
any; if not, what it wrote is thrown away.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from orchestration.contract import DEFAULT_SOURCE_SYSTEM, SOURCE_SYSTEM, Column, Entity
from orchestration.database import connect, identifier, literal
from orchestration.errors import ClienteleError
from orchestration.ingest_plan import LINE, Group, NewFile, Plan, is_large, parquet_scan
from orchestration.mapping import Block
from orchestration.mapping import Mapping as FileMapping
from orchestration.phone_numbers import all_e164
from orchestration.raw_store import (
    LINE_NUMBER,
    BatchWriter,
    RawBatch,
    SourceFile,
    escape_glob,
)
from orchestration.text_records import Record, is_unambiguous, read_records
from orchestration.typing_rules import Names, Rules, Typed, typed

#: What DuckDB raises when memory or disk run out, or a file vanishes; never the fault of a value.
NO_ROOM: Final = (duckdb.OutOfMemoryException, duckdb.IOException)
#: What does not fit spills to the scratch folder, so that any file loads within 2 GB.
_MEMORY_LIMIT: Final = "1500MB"
#: Records that go from Python to DuckDB at once.
_CHUNK_ROWS: Final = 50_000
# Columns of our own in the staging tables; no export has such names.
_FILE: Final = "__clientele_file"
_PATH: Final = "__clientele_path"
_PASSES: Final = "__clientele_passes"
_COPY: Final = "__clientele_copy"
#: The place of a fault of no single column: a row that lacks all of the columns it needs one of.
_NONE_OF: Final = 1_000_000


@dataclass(frozen=True)
class Counts:
    """Lines of one file, by what became of them, and the time span of those accepted."""

    accepted: int = 0
    rejected: int = 0
    filtered: int = 0
    repeated: int = 0
    first_event_at: str | None = None
    last_event_at: str | None = None


def guarded_session(landing: Path, raw: Path, scratch: Path) -> duckdb.DuckDBPyConnection:
    """A session in UTC that can open files of the landing folder and the raw store, and no other.

    Expressions of the mapping run in it, so this holds even where the parser let one through.
    """
    connection = connect(
        config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    )
    folders = ", ".join(literal(path.as_posix()) for path in (landing, landing.resolve(), raw))
    for setting in (
        "set preserve_insertion_order = true",
        f"set memory_limit = '{_MEMORY_LIMIT}'",
        f"set temp_directory = {literal(scratch.as_posix())}",
        f"set allowed_directories = [{folders}]",
        "set enable_external_access = false",
        "set lock_configuration = true",
    ):
        connection.execute(setting)
    return connection


class Loader:
    """Loads groups one after the other in one session, and keeps count of every line."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        writer: BatchWriter,
        mapping: FileMapping,
        run_id: str,
        loaded_at: dt.datetime,
    ) -> None:
        self._connection = connection
        self._writer = writer
        self._run_id = run_id
        self._loaded_at = loaded_at
        self._default_country = mapping.default_country
        self._rules = Rules(
            time_zone=mapping.business_time_zone,
            started_on=mapping.business_started_on,
            loaded_at=loaded_at.replace(tzinfo=None),
        )
        self._counts: dict[int, Counts] = {}
        self._lines: Counter[int] = Counter()
        self.batches: list[RawBatch] = []

    def files(self, fresh: Sequence[NewFile]) -> tuple[SourceFile, ...]:
        """The records of all files, once every group is loaded."""
        records = []
        for new in fresh:
            file, counts = new.reading.file, self._counts.get(new.number, Counts())
            records.append(
                SourceFile(
                    entity=new.reading.block.entity,
                    source_file=file.relative,
                    content_hash=new.scan.content_hash,
                    size=file.size,
                    modified_ns=file.modified_ns,
                    batch_id=new.batch_id,
                    loaded_at=self._loaded_at.isoformat(),
                    line_count=self._lines[new.number],
                    accepted_rows=counts.accepted,
                    rejected_rows=counts.rejected,
                    filtered_rows=counts.filtered,
                    repeated_rows=counts.repeated,
                    block_key=new.reading.block_key,
                    first_event_at=counts.first_event_at,
                    last_event_at=counts.last_event_at,
                )
            )
        return tuple(records)

    def load(self, number: int, plan: Plan) -> None:
        """Load one group: stage, type, decide, write."""
        group = plan.group
        if self._load_straight(number, plan):
            return
        try:
            self._create_files(group)
            self._stage(group)
            self._judge(plan)
            self._drop_same_keys(group)
            self._count(group)
            self._write(number, group)
        finally:
            for table in ("stage", "fast"):
                self._connection.execute(f"drop view if exists {table}")
            for table in ("judged", "slow", "quick", "broken", "files", "phone_numbers"):
                self._connection.execute(f"drop table if exists {table}")

    # -- straight: a large file without a fault, in one query ------------------------------------

    def _load_straight(self, number: int, plan: Plan) -> bool:
        """Write a large file's batch in one query, if every line of it is accepted as it stands.

        That is proved by the count: the batch has as many rows as the file has lines after the
        header, so none was left out, refused, filtered or broken over two lines, and the rows are
        in the order of the file. Then keys and places are looked at in what was written.
        """
        group = plan.group
        new = group.files[0]
        if len(group.files) > 1 or not is_large(new.reading.file) or not self._is_simple(plan):
            return False
        if group.kind == "parquet":
            scanned, first, lines = self._parquet_rows(new)
        else:
            scanned, first, lines = self._text_rows(group, new)
        if lines == 0:
            return False
        path, _ = self._paths(number, group)
        empty = ", ".join(identifier(name) for name in group.columns)
        self._connection.execute(
            f"create view stage as select 0 as {_FILE}, 0::bigint as {LINE}, {empty} from {scanned}"
        )
        try:
            written = self._write_straight(plan, path, new, first)
            span = self._straight_span(group, path) if written == lines else None
        except NO_ROOM:
            raise
        except duckdb.Error:  # the long way says what it was
            span = None
        finally:
            self._connection.execute("drop view stage")
        if span is None:
            self._writer.withdraw(path)
            return False
        self._lines[new.number] = lines
        self._counts[new.number] = Counts(
            accepted=lines, first_event_at=span[0], last_event_at=span[1]
        )
        self._add_batch(group, path, None, lines)
        return True

    def _is_simple(self, plan: Plan) -> bool:
        """Whether a row's fate depends on nothing but the row, and on nothing that Python knows."""
        group = plan.group
        mapped = {source.column.name for source in plan.sources}
        phones = {column.e164_of for column in group.entity.columns if column.e164_of is not None}
        return (
            plan.where is None
            and group.block.duplicates != "drop"
            and not phones & mapped
            and group.entity.position_column in (None, *mapped)
        )

    def _parquet_rows(self, new: NewFile) -> tuple[str, int, int]:
        """SQL of the rows, the line of the first, and how many there are."""
        scanned = parquet_scan([new.reading.file.path])
        row = self._connection.execute(f"select count(*) from {scanned}").fetchone()
        return scanned, 1, int(row[0]) if row else 0

    def _text_rows(self, group: Group, new: NewFile) -> tuple[str, int, int]:
        """As `_parquet_rows`; no lines for a file that two readers may understand differently."""
        header = group.headers[new.number]
        simple = group.kind != "jsonl" and new.scan.plain and header.lines == 1
        if not simple or new.scan.doubtful:
            return "", 0, 0
        return self._read_csv(group, [new]), 2, new.scan.lines - 1

    def _write_straight(self, plan: Plan, path: Path, new: NewFile, first: int) -> int:
        entity = plan.group.entity
        values = ", ".join(
            identifier(column.name)
            if column.e164_of is None
            else f"null::{column.sql_type} as {identifier(column.name)}"
            for column in entity.columns
        )
        loaded_at = self._rules.loaded_at.isoformat(sep=" ")
        return self._writer.write(
            self._connection,
            f"select {values}, {literal(new.batch_id)} as _batch_id,"
            f" {literal(new.reading.file.relative)} as _source_file,"
            f" {-first}::bigint as {LINE_NUMBER}, timestamp '{loaded_at}' as _loaded_at"
            f" from ({self._judged(plan, is_trimmed=new.scan.trimmed)}) where fate = 'accepted'",
            path,
        )

    def _straight_span(self, group: Group, path: Path) -> tuple[str | None, str | None] | None:
        """The first and the last event; None if a key may stand twice, or a place is missing.

        Keys are counted by a hash of 64 bits: equal counts prove that no key is there twice, and
        unequal ones send the file the long way, which looks at the keys themselves.
        """
        entity = group.entity
        names = self._key_of(group)
        hashed = f"hash({', '.join(map(identifier, names))})" if names else "null"
        given = self._key_is_given(group, names)
        moment = f"{identifier(entity.event_time)}::timestamp" if entity.event_time else "null"
        place = identifier(entity.position_column) if entity.position_column else "1"
        row = self._connection.execute(
            f"select min({moment}), max({moment}), count(*) - count({place}),"
            f" count(*) filter ({given}) - count(distinct {hashed}) filter ({given})"
            f" from {self._writer.read(path)}"
        ).fetchone()
        if row is None or row[2] or (names and row[3]):
            return None
        first, last = (moment.isoformat() if moment is not None else None for moment in row[:2])
        return first, last

    # -- staging: one row per record, all columns of the file, its file and its line -------------

    def _create_files(self, group: Group) -> None:
        self._connection.execute(
            "create table files (file_number integer, path varchar, source_file varchar,"
            " batch_id varchar)"
        )
        self._connection.execute(
            "insert into files select unnest(?::integer[]), unnest(?::varchar[]),"
            " unnest(?::varchar[]), unnest(?::varchar[])",
            [
                [new.number for new in group.files],
                [new.reading.file.path.as_posix() for new in group.files],
                [new.reading.file.relative for new in group.files],
                [new.batch_id for new in group.files],
            ],
        )
        self._connection.execute(
            "create table broken (file_number integer, line_number bigint, raw_value varchar,"
            " reason varchar)"
        )

    def _stage(self, group: Group) -> None:
        columns = ", ".join(identifier(name) for name in group.columns)
        if group.kind == "parquet":
            self._stage_parquet(group)
            return
        typed_columns = ", ".join(f"{identifier(name)} varchar" for name in group.columns)
        self._connection.execute(
            f"create table slow ({_FILE} integer, {LINE} bigint, {typed_columns})"
        )
        exact = self._stage_quickly(group) if group.kind != "jsonl" else []
        for new in group.files:
            if new.number not in exact:
                self._stage_carefully(group, new)
        quick = f"select {_FILE}, {LINE}, {columns} from fast union all " if exact else ""
        self._connection.execute(
            f"create view stage as {quick}select {_FILE}, {LINE}, {columns} from slow"
        )

    def _stage_parquet(self, group: Group) -> None:
        """Rows of Parquet files; the line is the row's place, the first being 1."""
        paths = [new.reading.file.path for new in group.files]
        options = f", filename = '{_PATH}', file_row_number = true"
        renamed = ", ".join(f"r.{identifier(name)}" for name in group.columns)
        self._connection.execute(
            f"create view stage as select f.file_number as {_FILE},"
            f" r.file_row_number + 1 as {LINE}, {renamed}"
            f" from {parquet_scan(paths, options)} as r"
            f" join files as f on f.path = r.{_PATH}"
        )

    def _stage_quickly(self, group: Group) -> set[int]:
        """Let DuckDB read what it can; returns the files of which every line is accounted for.

        DuckDB leaves out what it cannot read. A file counts as read only if it gave as many
        records as it has lines after the header: each record takes at least one line, so then
        none was left out and each stands on a line of its own.
        """
        plain = [
            new
            for new in group.files
            if new.scan.plain and group.headers[new.number].lines == 1 and new.scan.lines > 1
        ]
        if not plain:
            return set()
        scanned = self._read_csv(group, plain, f", filename = '{_PATH}'")
        self._connection.execute(f"create table quick as select * from {scanned}")
        found = self._connection.execute(
            "select f.file_number, min(q.rowid), max(q.rowid), count(*)"
            f" from quick as q join files as f on f.path = q.{_PATH} group by f.file_number"
        ).fetchall()
        lines = {new.number: new.scan.lines - 1 for new in plain}
        exact = {
            int(number): int(first)
            for number, first, last, count in found
            if count == lines[number] == last - first + 1
        }
        width = len(group.columns)
        for new in plain:
            if new.number in exact and new.scan.doubtful:
                file = new.reading.file
                if not is_unambiguous(file, new.scan, width, group.delimiter):
                    del exact[new.number]
        numbers = ", ".join(f"({number}, {first})" for number, first in exact.items())
        columns = ", ".join(f"q.{identifier(name)}" for name in group.columns)
        if exact:
            self._connection.execute(
                f"create view fast as select f.file_number as {_FILE},"
                f" q.rowid - e.first_row + 2 as {LINE}, {columns} from quick as q"
                f" join files as f on f.path = q.{_PATH}"
                f" join (values {numbers}) as e (file_number, first_row) using (file_number)"
            )
        return set(exact)

    def _read_csv(self, group: Group, files: Sequence[NewFile], options: str = "") -> str:
        """SQL that reads the records of plain files, leaving out what it cannot read."""
        paths = ", ".join(literal(escape_glob(new.reading.file.path)) for new in files)
        types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in group.columns)
        return (
            f"read_csv([{paths}], auto_detect = false, header = false, skip = 1,"
            f" columns = {{{types}}}, delim = {literal(group.delimiter)}, quote = '\"',"
            " escape = '\"', strict_mode = true, ignore_errors = true, null_padding = false"
            f"{options})"
        )

    def _stage_carefully(self, group: Group, new: NewFile) -> None:
        header = group.headers[new.number]
        records = read_records(
            new.reading.file, new.scan, header, group.delimiter, group.block.skip_lines
        )
        while chunk := list(islice(records, _CHUNK_ROWS)):
            self._append(group, new.number, [item for item in chunk if item.fault is None])
            faulty = [item for item in chunk if item.fault is not None]
            if faulty:
                self._connection.execute(
                    "insert into broken select ?, unnest(?::bigint[]), unnest(?::varchar[]),"
                    " unnest(?::varchar[])",
                    [
                        new.number,
                        [item.line for item in faulty],
                        [item.raw for item in faulty],
                        [item.fault for item in faulty],
                    ],
                )

    def _append(self, group: Group, number: int, records: Sequence[Record]) -> None:
        if not records:
            return
        arrays = [
            pa.array([number] * len(records), pa.int32()),
            pa.array([item.line for item in records], pa.int64()),
            *(
                pa.array(values, pa.string())
                for values in zip(*(item.fields for item in records), strict=True)
            ),
        ]
        names = [_FILE, LINE, *group.columns]
        self._connection.register("chunk", pa.table(arrays, names=names))
        self._connection.execute("insert into slow select * from chunk")
        self._connection.unregister("chunk")

    # -- judging: every row of the stage gets its values and its fate ----------------------------

    def _judge(self, plan: Plan) -> None:
        try:
            self._connection.execute(f"create table judged as {self._judged(plan)}")
        except NO_ROOM:
            raise
        except duckdb.Error as error:
            self._blame(plan)
            raise ClienteleError(
                f"the rows could not be read ({type(error).__name__})",
                where=plan.group.place,
                remedy="deliver the file again",
            ) from error

    def _judged(self, plan: Plan, *, is_trimmed: bool = False) -> str:
        """SQL: file, line, fate, values in the order of the contract, and the first fault.

        `is_trimmed` says that no field of the files has white space at its ends; what expressions
        make of them may have.
        """
        group = plan.group
        rules = self._rules_of(group.block)
        as_they_stand = {identifier(name) for name in group.columns} if is_trimmed else set()
        value_of = {
            source.column.name: _names(place).value for place, source in enumerate(plan.sources)
        }
        steps = {
            source.column.name: typed(
                source.column,
                source.sql_type,
                _names(place),
                rules,
                is_trimmed=source.sql in as_they_stand,
                limited_by=value_of.get((source.column.limits_where or ("",))[0], "null"),
            )
            for place, source in enumerate(plan.sources)
        }
        passes = f"coalesce((\n{plan.where.text}\n), false)" if plan.where else "true"
        everything = ", ".join(identifier(name) for name in group.columns)
        copy = (
            f"row_number() over (partition by {_FILE}, {_PASSES}, {everything} order by {LINE})"
            if group.block.duplicates == "drop"
            else "1"
        )
        places = range(len(plan.sources))
        # An expression sees only lines that pass, so that a condition can shield it.
        mapped = ", ".join(
            f"case when {_PASSES} then {source.sql} end as {_names(place).source}"
            for place, source in enumerate(plan.sources)
        )
        typed_steps = [steps[source.column.name] for source in plan.sources]
        texts = _listed(typed_steps, lambda step: step.text, lambda names: names.text)
        prepared = _listed(typed_steps, lambda step: step.prepared, lambda names: names.prepared)
        values = _listed(
            [
                replace(step, value=self._filled(source.column, step.value, group.block))
                for source, step in zip(plan.sources, typed_steps, strict=True)
            ],
            lambda step: step.value,
            lambda names: names.value,
        )
        first_fault = " ".join(f"when fault_{place} is not null then {place}" for place in places)
        nobody = self._names_nothing(plan)
        first_fault += f" when {nobody} then {_NONE_OF}" if nobody else ""
        faults = ", ".join(
            f"{step.fault} as fault_{place}" for place, step in enumerate(typed_steps)
        )
        return f"""
            with passing as (
                select *, {passes} as {_PASSES} from stage
            ), mapped as (
                select {_FILE}, {LINE}, {_PASSES}, {copy} as {_COPY}, {mapped} from passing
            ), texts as (
                select *, {texts} from mapped
            ), prepared as (
                select *, {prepared} from texts
            ), valued as (
                select *, {values} from prepared
            ), faulted as (
                select *, {faults} from valued
            ), first_fault as (
                select *, {f"case {first_fault} end" if first_fault else "null"} as fault
                from faulted
            )
            select
                {_FILE},
                {LINE},
                case
                    when not {_PASSES} then 'filtered'
                    when {_COPY} > 1 then 'repeated'
                    when fault is not null then 'rejected'
                    else 'accepted'
                end as fate,
                {_contract_values(plan)},
                case fault {_whens(plan, lambda place: literal(plan.sources[place].column.name))}
                    end as fault_column,
                case fault {_whens(plan, lambda place: f"{_names(place).source}::varchar")}
                    end as fault_value,
                case fault {_whens(plan, lambda place: f"fault_{place}")}
                    when {_NONE_OF} then {literal(_none_of(group.entity))} end as fault_reason
            from first_fault
        """

    def _names_nothing(self, plan: Plan) -> str:
        """SQL: whether a row has none of the columns of which its entity needs one; or ''."""
        one_of = plan.group.entity.one_of
        if not one_of:
            return ""
        values = [
            _names(place).value
            for place, source in enumerate(plan.sources)
            if source.column.name in one_of
        ]
        return " and ".join(f"{value} is null" for value in values) or "true"

    def _filled(self, column: Column, value: str, block: Block) -> str:
        if column.name != SOURCE_SYSTEM:
            return value
        return f"coalesce({value}, {literal(block.source_system or DEFAULT_SOURCE_SYSTEM)})"

    def _rules_of(self, block: Block) -> Rules:
        if block.time_format is None:
            return self._rules
        row = self._connection.execute(
            "select typeof(try_strptime('', ?))", [block.time_format]
        ).fetchone()
        has_zone = row is not None and row[0] == "TIMESTAMP WITH TIME ZONE"
        return replace(self._rules, time_format=block.time_format, format_has_zone=has_zone)

    def _blame(self, plan: Plan) -> None:
        """Find the expression that failed on a value, without repeating the value."""
        block = plan.group.block
        passes = f"coalesce((\n{plan.where.text}\n), false)" if plan.where else "true"
        tried: list[tuple[str, int, str]] = []
        if plan.where is not None:
            tried.append(("'where'", plan.where.line, passes))
        tried.extend(
            (source.column.name, source.line, f"case when {passes} then {source.sql} end")
            for source in plan.sources
            if source.line
        )
        for target, line, sql in tried:
            try:
                self._connection.execute(f"select max(hash({sql})) from stage").fetchone()
            except NO_ROOM:
                raise
            except duckdb.Error as error:
                raise ClienteleError(
                    f"the expression for {target} fails on a value of the files '{block.files}'",
                    where=block.place(line),
                    remedy="use try_cast, try_strptime or nullif, which give NULL there, so that"
                    " the row goes to quarantine",
                ) from error

    # -- keys and places -------------------------------------------------------------------------

    def _drop_same_keys(self, group: Group) -> None:
        """Fill missing places; drop equal rows of one key; refuse rows that contradict."""
        entity = group.entity
        position = entity.position_column
        if position is not None:
            within = ", ".join(identifier(name) for name in entity.position_within)
            self._connection.execute(
                f"""
                update judged set {identifier(position)} = p.place from (
                    select {_FILE} as f, {LINE} as n, row_number() over (
                        partition by {_FILE}, {within} order by {LINE}
                    ) as place
                    from judged where fate = 'accepted'
                ) as p
                where judged.{_FILE} = p.f and judged.{LINE} = p.n
                    and judged.{identifier(position)} is null
                """
            )
        names = self._key_of(group)
        if not names:
            return
        key = ", ".join(identifier(name) for name in names)
        given = f"fate = 'accepted' and {self._key_is_given(group, names)}"
        twice = (
            f"select {_FILE}, {key} from judged where {given}"
            f" group by {_FILE}, {key} having count(*) > 1"
        )
        if self._connection.execute(f"{twice} limit 1").fetchone() is None:
            return
        content = ", ".join(identifier(name) for name in entity.landed_names)
        same = " and ".join(
            f"judged.{identifier(name)} is not distinct from t.{identifier(name)}" for name in names
        )
        self._connection.execute(
            f"""
            create or replace temp table doubles as
            select {_FILE}, {LINE}, {content}, row_number() over (
                partition by {_FILE}, {content} order by {LINE}
            ) as {_COPY}
            from judged where {given} and exists (
                select 1 from ({twice}) as t where judged.{_FILE} = t.{_FILE} and {same}
            )
            """
        )
        self._refuse_contradictions(group, names)
        self._connection.execute(
            f"""
            update judged set fate = 'repeated' from doubles as d
            where d.{_COPY} > 1 and judged.{_FILE} = d.{_FILE} and judged.{LINE} = d.{LINE}
            """
        )

    @staticmethod
    def _key_of(group: Group) -> tuple[str, ...]:
        """The columns by which a row is known; none for an entity in which every row counts."""
        entity = group.entity
        own_key = group.block.key or entity.key
        names = dict.fromkeys((SOURCE_SYSTEM, *own_key)) if own_key else {}
        return tuple(name for name in names if name in entity.column_names)

    @staticmethod
    def _key_is_given(group: Group, names: Sequence[str]) -> str:
        """SQL: whether a row has a key; every row has one unless the entity can do without."""
        if not group.entity.key_if_given:
            return "true"
        given = [f"{identifier(name)} is not null" for name in names if name != SOURCE_SYSTEM]
        return f"({' or '.join(given)})"

    def _refuse_contradictions(self, group: Group, names: tuple[str, ...]) -> None:
        entity = group.entity
        key = ", ".join(identifier(name) for name in names)
        order = identifier(entity.orders_by) if entity.orders_by else "null::timestamp"
        row = self._connection.execute(
            f"""
            with kept as (
                select *, {order} as o, max({order}) over (partition by {_FILE}, {key}) as top
                from doubles where {_COPY} = 1
            )
            select
                {_FILE},
                (list({LINE} order by {LINE}) filter (top is null or o = top))[:2],
                {", ".join(f"any_value({identifier(name)})::varchar" for name in names)}
            from kept
            group by {_FILE}, {key}
            having count(*) > 1 and (any_value(top) is null or count(*) filter (o = top) > 1)
            order by 1, 2
            limit 1
            """
        ).fetchone()
        if row is None:
            return
        place = next(new for new in group.files if new.number == row[0]).reading.file.place
        first, second = row[1]
        shown = " and ".join(
            f"{name} {value}" if entity.column(name).personal is None else f"one {name}"
            for name, value in zip(names, row[2:], strict=True)
            if value is not None and (name != SOURCE_SYSTEM or value != DEFAULT_SOURCE_SYSTEM)
        )
        remedy = "correct the file"
        if entity.orders_by:
            remedy += f", or give it an {entity.orders_by} column that decides"
        raise ClienteleError(
            f"{entity.name}: {shown or 'one key'} stands twice with different content,"
            f" on lines {first} and {second}",
            where=place,
            remedy=remedy,
        )

    # -- counting and writing --------------------------------------------------------------------

    def _count(self, group: Group) -> None:
        fates: dict[int, Counter[str]] = defaultdict(Counter)
        rows = self._connection.execute(
            f"select {_FILE}, fate, count(*) from judged group by all"
        ).fetchall()
        for number, fate, count in rows:
            fates[int(number)][str(fate)] = int(count)
        staged = dict(
            self._connection.execute(f"select {_FILE}, count(*) from stage group by all").fetchall()
        )
        broken = dict(
            self._connection.execute(
                "select file_number, count(*) from broken group by all"
            ).fetchall()
        )
        spans = self._spans(group)
        for new in group.files:
            found = fates[new.number]
            first, last = spans.get(new.number, (None, None))
            refused = int(broken.get(new.number, 0))
            self._lines[new.number] = int(staged.get(new.number, 0)) + refused
            self._counts[new.number] = Counts(
                accepted=found["accepted"],
                rejected=found["rejected"] + refused,
                filtered=found["filtered"],
                repeated=found["repeated"],
                first_event_at=first,
                last_event_at=last,
            )

    def _spans(self, group: Group) -> dict[int, tuple[str | None, str | None]]:
        """The first and the last event of the accepted rows of each file."""
        if group.entity.event_time is None:
            return {}
        moment = f"{identifier(group.entity.event_time)}::timestamp"
        rows = self._connection.execute(
            f"select {_FILE}, min({moment}), max({moment}) from judged where fate = 'accepted'"
            " group by all"
        ).fetchall()
        return {
            int(number): (
                first.isoformat() if first is not None else None,
                last.isoformat() if last is not None else None,
            )
            for number, first, last in rows
        }

    def _write(self, number: int, group: Group) -> None:
        counts = [self._counts[new.number] for new in group.files]
        accepted = sum(item.accepted for item in counts)
        rejected = sum(item.rejected for item in counts)
        if not accepted and not rejected:
            return
        path, rejects_path = self._paths(number, group)
        numbers = self._phone_numbers(group)
        values = ", ".join(
            f"j.{identifier(column.name)}"
            if column.e164_of is None
            else f"p.e164 as {identifier(column.name)}"
            for column in group.entity.columns
        )
        loaded_at = self._rules.loaded_at.isoformat(sep=" ")
        written = self._writer.write(
            self._connection,
            f"select {values}, f.batch_id as _batch_id, f.source_file as _source_file,"
            f" j.{LINE}::bigint as _line_number, timestamp '{loaded_at}' as _loaded_at"
            f" from judged as j join files as f on f.file_number = j.{_FILE}{numbers}"
            f" where j.fate = 'accepted'{self._in_order(group)}",
            path,
        )
        if written != accepted:
            raise AssertionError(f"{group.label}: {written} of {accepted} rows written")
        if rejected:
            self._writer.write(self._connection, self._rejects(group), rejects_path)
        self._add_batch(group, path, rejects_path if rejected else None, accepted)

    def _paths(self, number: int, group: Group) -> tuple[Path, Path]:
        """Where the batch of a group goes, and its rejects."""
        folder = self._writer.folder / group.entity.name
        name = f"{self._run_id}-{number:03d}"
        return folder / f"{name}.parquet", folder / f"{name}.rejects.parquet"

    def _add_batch(self, group: Group, path: Path, rejects_path: Path | None, rows: int) -> None:
        root = self._writer.folder.parent
        self.batches.append(
            RawBatch(
                entity=group.entity.name,
                path=path.relative_to(root).as_posix(),
                rejects_path=rejects_path.relative_to(root).as_posix() if rejects_path else None,
                rows=rows,
            )
        )

    def _in_order(self, group: Group) -> str:
        """An `order by` for rows that are not in the order of the files already: sorting a large
        file would cost more than all else."""
        if len(group.files) == 1 and group.block.duplicates != "drop":
            return ""
        return f" order by j.{_FILE}, j.{LINE}"

    def _phone_numbers(self, group: Group) -> str:
        """A table `phone_numbers` of the E.164 form of every distinct number, and the SQL of the
        join with it; '' for an entity without phone numbers."""
        derived = [column for column in group.entity.columns if column.e164_of is not None]
        if not derived:
            return ""
        (column,) = derived
        number = f"j.{identifier(str(column.e164_of))}"
        country = "j.country" if "country" in group.entity.column_names else "null::varchar"
        rows = self._connection.execute(
            f"select distinct {number}, {country} from judged as j"
            f" where j.fate = 'accepted' and {number} is not null"
        ).fetchall()
        table = pa.table(
            [
                pa.array([row[0] for row in rows], pa.string()),
                pa.array([row[1] for row in rows], pa.string()),
                pa.array(all_e164(rows, self._default_country), pa.string()),
            ],
            names=["number", "country", "e164"],
        )
        self._connection.register("found_numbers", table)
        self._connection.execute("create table phone_numbers as from found_numbers")
        self._connection.unregister("found_numbers")
        return (
            f" left join phone_numbers as p on p.number = {number}"
            f" and p.country is not distinct from {country}"
        )

    def _rejects(self, group: Group) -> str:
        return f"""
            select
                {literal(group.entity.name)} as entity,
                f.source_file as source_file,
                r.line_number::bigint as line_number,
                r.column_name::varchar as column_name,
                r.raw_value::varchar as raw_value,
                r.reason::varchar as reason,
                f.batch_id as batch_id
            from (
                select {_FILE} as file_number, {LINE} as line_number,
                    fault_column as column_name, fault_value as raw_value,
                    fault_reason as reason
                from judged where fate = 'rejected'
                union all
                select file_number, line_number, null, raw_value, reason from broken
            ) as r
            join files as f on f.file_number = r.file_number
            order by r.file_number, r.line_number
        """


def _none_of(entity: Entity) -> str:
    return f"needs one of {', '.join(entity.one_of)}"


def _names(place: int) -> Names:
    return Names(
        source=f"source_{place}",
        text=f"text_{place}",
        prepared=f"prepared_{place}",
        value=f"value_{place}",
    )


def _listed(
    steps: Sequence[Typed], sql: Callable[[Typed], str], name: Callable[[Names], str]
) -> str:
    return ", ".join(f"{sql(step)} as {name(_names(place))}" for place, step in enumerate(steps))


def _whens(plan: Plan, sql: Callable[[int], str]) -> str:
    return " ".join(f"when {place} then {sql(place)}" for place in range(len(plan.sources)))


def _contract_values(plan: Plan) -> str:
    places = {source.column.name: place for place, source in enumerate(plan.sources)}
    return ",\n".join(
        (_names(places[column.name]).value if column.name in places else "null")
        + f"::{column.sql_type} as {identifier(column.name)}"
        for column in plan.group.entity.landed_columns
    )
