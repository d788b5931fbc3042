"""What `clientele segment list` and `show` print: the files, and the current release beside them.

Only reads: the project's files and the marts of the current release, when there is one.

Does not belong here: judging (segment_lint.py), or changing anything.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.database import tables
from orchestration.segment_files import (
    MEMBERS_SEED,
    PROJECT_FILE,
    Catalogue,
    Segment,
    joined,
    read_seed,
)
from orchestration.segment_lint import overlap_query

WIDTH = 100
TREND_INSTANTS = 24
SHOWN_MEMBERS = 10
SHOWN_OVERLAPS = 8
_BARS = "▁▂▃▄▅▆▇█"
_TARGETS_SEED = Path("seeds/kpi_targets.csv")
_TOLD = ("owner", "objective", "goal_kpi", "priority", "minimum_size", "review_by")


@dataclass(frozen=True)
class ListedSegment:
    """One line of the list; sizes are None where no release has the segment."""

    key: str
    state: str
    members: int | None
    share: float | None
    status: str
    owner: str
    review_by: str
    family: str


def list_segments(
    catalogue: Catalogue, connection: duckdb.DuckDBPyConnection | None, *, everything: bool
) -> list[ListedSegment]:
    """The segments of the project, and the group members of the release.

    Args:
        catalogue: the files.
        connection: to the marts of a release, or None.
        everything: also those that are off, or that only the release has.
    """
    published = _published(connection)
    listed = []
    for segment in sorted(catalogue.segments, key=lambda one: one.key):
        state = "on" if segment.is_on else "off" if segment.is_off else "unlisted"
        if state == "off" and not everything:
            continue
        row = published.pop(segment.key, {})
        listed.append(
            ListedSegment(
                key=segment.key,
                state=state,
                members=row.get("member_count"),
                share=row.get("share_of_base"),
                status=str(row.get("status") or ("" if state == "off" else "not published")),
                owner=str(segment.meta.get("owner") or ""),
                review_by=str(segment.meta.get("review_by") or ""),
                family=segment.family,
            )
        )
    for key, row in sorted(published.items()):
        group = row.get("exclusive_group")
        if group or everything:
            listed.append(
                ListedSegment(
                    key=key,
                    state="group" if group else "gone",
                    members=row["member_count"],
                    share=row["share_of_base"],
                    status=str(row["status"]),
                    owner=str(row["owner"] or ""),
                    review_by=str(row["review_by"] or ""),
                    family=str(group or ""),
                )
            )
    return listed


def list_text(
    catalogue: Catalogue,
    listed: Sequence[ListedSegment],
    released: str,
    *,
    everything: bool,
) -> str:
    """The table of segments, at most 100 columns wide."""
    rows = [
        (
            _clip(one.key, 30),
            one.state,
            "-" if one.members is None else f"{one.members:,}",
            "-" if one.share is None else f"{float(one.share):.1%}",
            one.status.replace("_", " "),
            one.review_by,
            _clip(one.family, 16),
            one.owner,
        )
        for one in listed
    ]
    lines = _table(
        ("segment", "is", "members", "share", "status", "review by", "family", "owner"),
        rows,
        right={2, 3},
    )
    off = sum(segment.is_off for segment in catalogue.segments)
    lines += ["", f"{released[:1].upper()}{released[1:]}."]
    if off and not everything:
        lines.append(
            f"{off} more {'is' if off == 1 else 'are'} off: `clientele segment list --all`."
        )
    if "no release" in released:
        groups = joined(sorted(group.name for group in catalogue.groups))
        lines.append(f"The members of the groups {groups} stand in {MEMBERS_SEED.as_posix()}.")
    return "\n".join(lines)


def show_text(
    catalogue: Catalogue, key: str, connection: duckdb.DuckDBPyConnection | None, released: str
) -> str:
    """All there is to say of one segment, or of one member of a group.

    Raises:
        ClienteleError: neither the project nor the release has it.
    """
    published = _published(connection).get(key)
    if key not in catalogue.by_key and (key not in catalogue.member_keys) and published is None:
        catalogue.segment(key)  # says what became of it, or what looks alike
    page = _Page(catalogue, key, published, connection, released)
    return "\n".join(page.lines())


class _Page:
    """One segment laid out in lines.

    Args:
        catalogue: the files.
        key: of the segment.
        published: its row of `segments`, or None.
        connection: to the marts of a release, or None.
        released: which release that is, or that there is none.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        key: str,
        published: Mapping[str, Any] | None,
        connection: duckdb.DuckDBPyConnection | None,
        released: str,
    ) -> None:
        self._catalogue = catalogue
        self._key = key
        self._published = published
        self._connection = connection
        self._released = released
        self._segment = catalogue.by_key.get(key)
        self._tables = tables(connection) if connection is not None else frozenset()

    def lines(self) -> Iterator[str]:
        """All lines, from its name to why it changed."""
        name = self._segment.name if self._segment else str((self._published or {}).get("name", ""))
        yield f"Segment {self._key}" + (f" ({name})" if name else "")
        for title, section in (
            ("", self._head),
            ("Definition", self._definition),
            ("Size", self._size),
            ("Overlap", self._overlap),
            ("Members", self._members),
            ("Where it is used", self._uses),
            ("Versions", self._versions),
            ("Changes", self._changes),
        ):
            told = list(section())
            if told:
                yield from (["", title] if title else [])
                yield from (f"  {line}".rstrip() for line in told)

    def _head(self) -> Iterator[str]:
        segment = self._segment
        if segment is None:
            yield from self._head_of_member()
            return
        state = "on" if segment.is_on else "off" if segment.is_off else "in no list"
        yield _line("is", f"{state} in {PROJECT_FILE}, one of {segment.entity}s")
        yield _line("file", segment.path.as_posix())
        for name in _TOLD:
            yield from _wrapped(name.replace("_", " "), str(segment.meta.get(name, "missing")))
        for name, value in segment.meta.items():
            if name not in {*_TOLD, "name", "entity"}:
                text = joined(map(str, value)) if isinstance(value, list) else str(value)
                yield from _wrapped(name.replace("_", " "), text)
        contracts = joined(
            f"{contract.name}{' (a skeleton)' * contract.is_skeleton}"
            for contract in segment.contracts
        )
        yield from _wrapped("contracts", contracts or "none")

    def _head_of_member(self) -> Iterator[str]:
        row: Mapping[str, str] = self._catalogue.member_keys.get(self._key, {})
        published = self._published or {}
        group = str(row.get("exclusive_group") or published.get("exclusive_group") or "")
        if group:
            yield _line("is", f"a member of the exclusive group {group}")
            yield _line("described in", MEMBERS_SEED.as_posix())
        else:
            yield _line("is", "in the release, and no file of the project any more")
        for name in ("description", *_TOLD):
            value = published.get(name) or row.get(name)
            if value not in (None, ""):
                yield from _wrapped(name.replace("_", " "), str(value))

    def _definition(self) -> Iterator[str]:
        if self._segment is not None:
            yield from self._segment.body.splitlines()
            return
        group = self._catalogue.member_keys.get(self._key, {}).get("exclusive_group")
        for file in self._catalogue.groups:
            if file.name == group:
                yield f"-- {file.path.as_posix()}"
                text = (self._catalogue.project / file.path).read_text(encoding="utf-8")
                yield from Segment(self._key, file.path, text).body.splitlines()

    def _size(self) -> Iterator[str]:
        published = self._published
        if published is None:
            yield (
                "not published"
                + (" while it is off" if self._segment and self._segment.is_off else "")
                + f": {self._released}"
            )
            return
        share = float(published["share_of_base"] or 0)
        yield _line(
            "now",
            f"{published['member_count']:,} members, {share:.1%} of the base, "
            f"{str(published['status']).replace('_', ' ')}",
        )
        yield _line("in", self._released)
        sizes = self._rows(
            "select cast(as_of as date), member_count, basis from segment_sizes "
            f"where segment_key = ? order by as_of desc limit {TREND_INSTANTS}",
            "segment_sizes",
        )[::-1]
        if sizes:
            yield _line("trend", sparkline([count for _, count, _ in sizes]))
            first, last = sizes[0], sizes[-1]
            yield _line(
                "", f"{len(sizes)} instants, {first[0]} ({first[1]:,}) to {last[0]} ({last[1]:,})"
            )
            recent = ", ".join(f"{day} {count:,}" for day, count, _ in sizes[-4:])
            yield _line("last", recent)

    def _overlap(self) -> Iterator[str]:
        if self._connection is None or self._published is None:
            return
        rows = self._connection.execute(
            f"""
            select
                case when segment_a = $key then segment_b else segment_a end as other,
                max(customers_both) as shared,
                max(case when segment_a = $key then customers_b else customers_a end) as theirs,
                max(jaccard) as jaccard
            from ({overlap_query(self._connection)}) as pairs
            where (segment_a = $key or segment_b = $key) and segment_a <> segment_b
            group by other
            order by jaccard desc, other
            """,
            {"key": self._key},
        ).fetchall()
        own = int(self._published["member_count"])
        if not rows:
            yield "none of its members is in another segment" if own else "nobody is in it"
            return
        yield f"{'':<32}{'in both':>10}{'of this':>10}{'of that':>10}{'alike':>8}"
        for other, shared, theirs, jaccard in rows[:SHOWN_OVERLAPS]:
            yield (
                f"{_clip(other, 32):<32}{shared:>10,}{shared / max(own, 1):>10.0%}"
                f"{shared / max(theirs, 1):>10.0%}{float(jaccard):>8.0%}"
            )
        if len(rows) > SHOWN_OVERLAPS:
            yield f"and {len(rows) - SHOWN_OVERLAPS} more with members in common"

    def _members(self) -> Iterator[str]:
        account = self._segment is not None and self._segment.entity == "account"
        table = "account_segment_membership" if account else "segment_membership"
        column = "account_id" if account else "customer_id"
        rows = self._rows(
            f"select {column} from {table} where segment_key = ? order by {column} "
            f"limit {SHOWN_MEMBERS}",
            table,
        )
        if rows:
            yield f"examples, the {len(rows)} that come first by id:"
            yield from (f"  {identifier}" for (identifier,) in rows)

    def _uses(self) -> Iterator[str]:
        if self._segment is not None:
            for path, line in self._catalogue.readers(self._key):
                yield f"{path.as_posix()}:{line} reads it"
        for name, keys in self._catalogue.priority_lists.items():
            if self._key in keys:
                yield f"priority list {name}: place {keys.index(self._key) + 1} of {len(keys)}"
        for row in read_seed(self._catalogue.project, _TARGETS_SEED):
            if row.get("segment_key") == self._key:
                yield (
                    f"{_TARGETS_SEED.as_posix()}: {row.get('kpi')} by {row.get('period_grain')} "
                    f"{row.get('direction', '').replace('_', ' ')} {row.get('target')}"
                )
        yield from self._campaigns()
        for gone in self._catalogue.lineage:
            if gone["successor_key"] == self._key:
                yield f"{gone['segment_key']} was {gone['change']} into it on {gone['changed_on']}"

    def _campaigns(self) -> Iterator[str]:
        if self._connection is None:
            return
        for (table,) in self._connection.execute(
            "select table_name from information_schema.columns group by table_name having "
            "count(*) filter (where column_name in ('target_segment', 'campaign_id')) = 2 "
            "order by table_name"
        ).fetchall():
            rows = self._rows(
                f'select distinct campaign_id from "{table}" where target_segment = ? '
                "order by campaign_id",
                str(table),
            )
            if rows:
                named = ", ".join(str(identifier) for (identifier,) in rows[:5])
                more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
                yield f"campaigns aimed at it ({table}): {named}{more}"

    def _versions(self) -> Iterator[str]:
        rows = self._rows(
            "select definition_version, cast(valid_from as date), cast(valid_to as date) "
            "from segment_definitions where segment_key = ? order by valid_from",
            "segment_definitions",
        )
        if rows:
            for version, valid_from, valid_to in rows:
                yield f"{version}  {valid_from} to {valid_to or 'now'}"
        elif self._published is not None:
            yield f"{self._published['definition_version']}  published"

    def _changes(self) -> Iterator[str]:
        rows = self._rows(
            "select cast(changed_at as date), definition_version, previous_version, decided_on, "
            "decided_by, reason, experiment_id, arm, verdict from segment_definition_changes "
            "where segment_key = ? order by changed_at, arm",
            "segment_definition_changes",
        )
        for number, (day, version, previous, decided_on, by, reason, *tried) in enumerate(rows):
            if number == 0 or rows[number - 1][0:2] != (day, version):
                kind = "changed" if previous else "began"
                why = f"{reason} ({by}, {decided_on})" if reason else "nobody said why"
                yield from _wrapped(str(day), f"{version}  {kind}: {why}")
            experiment, arm, verdict = tried
            if experiment:
                found = f"{arm} is {verdict}" if verdict else "not in the release"
                yield from _wrapped("", f"experiment {experiment}: {found}")

    def _rows(self, query: str, table: str) -> list[tuple[Any, ...]]:
        """The rows of a query about the key; none where the release has no such table."""
        if self._connection is None or table not in self._tables:
            return []
        return self._connection.execute(query, [self._key]).fetchall()


def sparkline(counts: Sequence[int]) -> str:
    """Sizes as bars: none at all is the lowest, the greatest of them the highest."""
    top = max(counts, default=0)
    if top == 0:
        return _BARS[0] * len(counts)
    return "".join(_BARS[round(count * (len(_BARS) - 1) / top)] for count in counts)


def _published(connection: duckdb.DuckDBPyConnection | None) -> dict[str, dict[str, Any]]:
    """The rows of `segments` by key; empty without a release."""
    if connection is None:
        return {}
    result = connection.execute("select * from segments order by segment_key")
    names = [column[0] for column in result.description or ()]
    return {
        str(row["segment_key"]): row
        for row in (dict(zip(names, values, strict=True)) for values in result.fetchall())
    }


def _table(
    head: Sequence[str], rows: Sequence[Sequence[str]], right: set[int] | None = None
) -> list[str]:
    """Rows in columns; what is beyond the width of the page is cut from the last column."""
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
    lines = []
    for row in [head, *rows]:
        cells = [
            cell.rjust(width) if place in (right or ()) else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(_clip("  ".join(cells).rstrip(), WIDTH))
    return lines


def _clip(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _line(label: str, value: str) -> str:
    return f"{label:<14}{value}"


def _wrapped(label: str, value: str) -> Iterator[str]:
    """A label and a text over as many lines as it needs, without line breaks of its own."""
    clean = "".join(char if char.isprintable() else " " for char in value)
    rows = textwrap.wrap(clean, WIDTH - 18) or [""]
    yield _line(label, rows[0])
    yield from (_line("", row) for row in rows[1:])
