"""The lint of segments: what is wrong with a definition, or should make somebody look at it.

Over the files alone, and over the current release where there is one. `refuse` means that the
segment must not be published like this; `warn` that somebody should look. docs/segment_lifecycle.md
gives the reasons and says what silences a finding.

Does not belong here: faults between the files (segment_files.py: names, keys, lists, circles), SQL
that engines read differently beyond clocks and functions of one line (portability.py), or data
tests, which look at the members themselves.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import jinja2

from orchestration.database import tables
from orchestration.errors import ClienteleError
from orchestration.layers import RANK, SEGMENT_READS, may_read
from orchestration.portability import lint_source
from orchestration.segment_files import (
    COMPUTED,
    KPIS_TO_COME,
    PROJECT_FILE,
    REQUIRED_META,
    Catalogue,
    Fault,
    Segment,
    catalogue_faults,
    joined,
    read_seed,
)
from orchestration.segment_verbs import unknown_kpi

DEFAULT_MAXIMUM_COUNT = 50
DEFAULT_GRACE_DAYS = 180
ALIKE = 0.9
"""Two segments with so much of their union in common are one segment with two names."""

_VARIABLES_SEED = Path("seeds/segmentation_variables.csv")
_DEMOGRAPHIC_VARIABLES = frozenset({"SV-01", "SV-02", "SV-03", "SV-04", "SV-05", "SV-06"})
_GEOGRAPHIC_VARIABLES = frozenset({"SV-07"})
_OTHER_DEMOGRAPHICS = frozenset({"birth_date", "birth_year", "stated_gender"})
_OTHER_PLACES = frozenset({"postal_code"})

# What people must not be sorted by without a reason that stands for itself. GDPR article 9 forbids
# its special categories outright, and the input contract has no column for any of them; these are
# the columns that stand for a ground of common discrimination law: sex, age, and family.
SENSITIVE: Mapping[str, str] = {
    "gender": "sex",
    "stated_gender": "sex",
    "age": "age",
    "age_band": "age",
    "birth_date": "age",
    "birth_year": "age",
    "has_children": "family",
    "household_size": "family",
}
_KEYS = frozenset({"as_of", "customer_id", "account_id", "segment_key"})
# Whoever is in one of these is known to us, and no more is said by it.
_BASES = frozenset({"customer_profiles", "customer_features", "customer_people", "as_of_spine"})


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that the lint says.

    Attributes:
        path: of the file, below the project; line: 1-based, 0 for the file as a whole.
        severity: refuse or warn.
        rule: its short name.
        message: what is wrong, why, and what to do.
    """

    path: str
    line: int
    severity: str
    rule: str
    message: str

    @property
    def place(self) -> str:
        """The file, and the line where there is one."""
        return f"{self.path}:{self.line}" if self.line else self.path

    def __str__(self) -> str:
        """One line, as compilers print it."""
        return f"{self.place}: {self.severity}: {self.message} [{self.rule}]"


def lint_files(catalogue: Catalogue) -> list[Finding]:
    """What the files alone tell, in order of file and line."""
    kinds = column_kinds(catalogue.project)
    layers = _layers(catalogue.project)
    found = [
        finding for segment in catalogue.segments for finding in _lint_meta(segment, catalogue)
    ]
    for segment in catalogue.segments:
        found += _lint_contracts(segment)
        found += _lint_reads(segment, layers)
        found += _lint_sql(segment)
        found += _lint_columns(segment, kinds)
    found += [_fault_finding(fault) for fault in catalogue_faults(catalogue)]
    found += _lint_count(catalogue)
    return sorted(set(found))


def refuse_at_refresh(catalogue: Catalogue) -> None:
    """Refuse a refresh before it begins: for files that do not fit, and segments that are on.

    A contract is not looked for: it is about the change under review, not about tonight's data.

    Raises:
        ClienteleError: the first finding; the sentence says how many more there are.
    """
    on = {segment.path.as_posix() for segment in catalogue.segments if segment.is_on}
    found = [
        finding
        for finding in lint_files(catalogue)
        if finding.severity == "refuse"
        and (finding.rule == "catalogue" or (finding.path in on and finding.rule in _STOPPING))
    ]
    if found:
        # What does not fit between the files comes first: the rest may follow from it.
        first = min(found, key=lambda one: (one.rule != "catalogue", one))
        more = len(found) - 1
        raise ClienteleError(
            f"{first.message.rstrip('.')}"
            + (f" ({more} more: `clientele segment lint` names all)" if more else ""),
            where=first.place,
        )


_STOPPING = frozenset({"goal_kpi", "sensitive", "layer", "clock", "metadata"})


def _fault_finding(fault: Fault) -> Finding:
    return Finding(fault.path, fault.line, "refuse", "catalogue", fault.message)


# One segment -------------------------------------------------------------------------------------


def _lint_meta(segment: Segment, catalogue: Catalogue) -> Iterator[Finding]:
    path = segment.path.as_posix()
    if segment.fault:
        yield Finding(
            path, segment.fault_line, "refuse", "metadata",
            f"{segment.fault}; say there who owns it and what it is for",
        )  # fmt: skip
        return
    line = min(segment.lines.values(), default=1)
    for name in REQUIRED_META:
        if segment.meta.get(name) in (None, ""):
            yield Finding(
                path, segment.lines.get(name, line), "refuse", "metadata",
                f"it has no {name}; add '{name}' to config(meta={{'segment': {{...}}}}) at its top",
            )  # fmt: skip
    goal = segment.meta.get("goal_kpi")
    if goal in KPIS_TO_COME - catalogue.kpis:
        yield Finding(
            path, segment.lines["goal_kpi"], "warn", "goal_kpi",
            f"{goal} is not computed yet; until it is, nothing says whether the goal is met",
        )  # fmt: skip
    elif goal not in (None, "", COMPUTED) and str(goal) not in catalogue.kpis:
        # One that is off may wait for its measure.
        severity = "warn" if segment.is_off else "refuse"
        yield Finding(
            path, segment.lines["goal_kpi"], severity, "goal_kpi",
            f"{unknown_kpi(str(goal), catalogue.kpis)}; a goal that is not measured is none",
        )  # fmt: skip
    review = segment.meta.get("review_by")
    if review not in (None, "", COMPUTED) and _day(review) is None:
        yield Finding(
            path, segment.lines["review_by"], "refuse", "metadata",
            "review_by is no day; write it as '2027-06-30'",
        )  # fmt: skip
    for name in ("priority", "minimum_size"):
        value = segment.meta.get(name)
        if value not in (None, "", COMPUTED) and not (isinstance(value, int) and value >= 0):
            yield Finding(
                path, segment.lines[name], "refuse", "metadata",
                f"{name} is no whole number; write it without quotes",
            )  # fmt: skip


def _lint_contracts(segment: Segment) -> Iterator[Finding]:
    if not segment.contracts:
        yield Finding(
            segment.path.as_posix(), 0, "refuse", "contract",
            f"it has no contract; write who is in and who is just out as a unit test of "
            f"{segment.model} in {(segment.path.parent / '_contracts.yml').as_posix()}",
        )  # fmt: skip
    for contract in segment.contracts:
        if contract.is_skeleton:
            yield Finding(
                contract.path.as_posix(), contract.first + 1, "refuse", "contract",
                f"the contract of {segment.key} is still the skeleton; fill it in",
            )  # fmt: skip


def _lint_reads(segment: Segment, layers: Mapping[str, str]) -> Iterator[Finding]:
    allowed = joined(side for side in RANK if side in SEGMENT_READS)
    for model, line in segment.reads:
        layer = layers.get(model)
        if layer is not None and not may_read("segments", layer):
            yield Finding(
                segment.path.as_posix(), line, "refuse", "layer",
                f"it reads {model} of {layer}; a segment reads {allowed}",
            )  # fmt: skip
    for match in re.finditer(r"\bsource\(", segment.text):
        yield Finding(
            segment.path.as_posix(),
            segment.text.count("\n", 0, match.start()) + 1,
            "refuse",
            "layer",
            f"it reads a source; a segment reads {allowed}",
        )


def _lint_sql(segment: Segment) -> Iterator[Finding]:
    """Clocks and functions, in the definition and not in its metadata, which may say `today`."""
    for spot in lint_source(segment.body, segment.path.as_posix()):
        clock = spot.rule == "clock" or "now is a column" in spot.message
        yield Finding(
            spot.name,
            spot.line + segment.body_line - 1,
            "refuse",
            "clock" if clock else "portability",
            spot.message,
        )


def _lint_columns(segment: Segment, kinds: Mapping[str, str]) -> Iterator[Finding]:
    try:
        used = criteria(segment.body, kinds)
    except ClienteleError as error:
        yield Finding(segment.path.as_posix(), segment.body_line, "warn", "unread", error.what)
        return
    line = segment.body_line
    grounds = {SENSITIVE[name]: name for name in sorted(used.columns) if name in SENSITIVE}
    if grounds and not _said(segment, "sensitive_reason"):
        column = grounds[min(grounds)]
        yield Finding(
            segment.path.as_posix(), _line_of(segment, column), "refuse", "sensitive",
            f"it sorts people by {joined(sorted(grounds))} ({joined(sorted(grounds.values()))}), "
            "a ground of discrimination law; leave it out, or say in its metadata why it may, as "
            "'sensitive_reason'",
        )  # fmt: skip
    found = {kinds.get(name, "other") for name in used.columns}
    if used.relations or not found or "other" in found or _said(segment, "demographics_reason"):
        return
    what = "where people live" if found == {"place"} else "demographics"
    yield Finding(
        segment.path.as_posix(), line, "warn", "demographics",
        f"its only criterion is {what} ({joined(sorted(used.columns))}); add what customers do, or "
        "say why that is enough as 'demographics_reason' in its metadata",
    )  # fmt: skip


def _said(segment: Segment, name: str) -> bool:
    return bool(str(segment.meta.get(name) or "").strip())


def _line_of(segment: Segment, word: str) -> int:
    for number, row in enumerate(segment.text.splitlines(), start=1):
        if number >= segment.body_line and re.search(rf"\b{word}\b", row.partition("--")[0]):
            return number
    return segment.body_line


def _lint_count(catalogue: Catalogue) -> Iterator[Finding]:
    limit = int(catalogue.variables.get("segment_maximum_count") or DEFAULT_MAXIMUM_COUNT)
    count = sum(segment.is_on for segment in catalogue.segments)
    if count > limit:
        yield Finding(
            PROJECT_FILE.as_posix(), 0, "warn", "count",
            f"{count} segments are on, more than segment_maximum_count ({limit}): more than people "
            "act on; switch some off, merge some, or raise the variable",
        )  # fmt: skip


# What a definition looks at ----------------------------------------------------------------------


@dataclass(frozen=True)
class Criteria:
    """What decides who is in.

    Attributes:
        columns: names of columns in conditions, in lower case, without keys.
        relations: relations that are read beside the profiles.
    """

    columns: frozenset[str]
    relations: frozenset[str]


def column_kinds(project: Path) -> dict[str, str]:
    """The columns that are demographics, or a place, as the seed segmentation_variables says."""
    kinds = {
        **dict.fromkeys(_OTHER_DEMOGRAPHICS, "demographic"),
        **dict.fromkeys(_OTHER_PLACES, "place"),
    }
    for row in read_seed(project, _VARIABLES_SEED):
        kind = (
            "demographic"
            if row.get("variable") in _DEMOGRAPHIC_VARIABLES
            else "place"
            if row.get("variable") in _GEOGRAPHIC_VARIABLES
            else ""
        )
        if kind:
            kinds |= {name.strip(): kind for name in row["column_names"].split(",")}
    return kinds


def criteria(body: str, kinds: Mapping[str, str]) -> Criteria:
    """What the definition of a segment looks at.

    Conditions are looked through to the columns they are computed from, within the file.

    Raises:
        ClienteleError: the SQL cannot be read.
    """
    import sqlglot
    from sqlglot import expressions as exp

    try:
        tree = sqlglot.parse_one(rendered(body), read="duckdb")
    except (sqlglot.errors.SqlglotError, jinja2.TemplateError) as error:
        raise ClienteleError(
            "its columns cannot be read (the SQL needs dbt to be understood), so nobody looked for "
            "sensitive attributes"
        ) from error
    aliases: dict[str, set[str]] = {}
    for alias in tree.find_all(exp.Alias):
        names = {column.name.lower() for column in alias.this.find_all(exp.Column)}
        aliases.setdefault(alias.alias.lower(), set()).update(names - {alias.alias.lower()})
    seen: set[str] = set()
    todo = {
        column.name.lower()
        for condition in _conditions(tree)
        for column in condition.find_all(exp.Column)
    }
    while todo:
        name = todo.pop()
        seen.add(name)
        todo |= aliases.get(name, set()) - seen
    ctes = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    relations = {table.name.lower() for table in tree.find_all(exp.Table)} - ctes - _BASES
    columns = {name for name in seen if name in kinds or not aliases.get(name)} - _KEYS
    return Criteria(frozenset(columns), frozenset(relations))


def _conditions(tree: Any) -> Iterator[Any]:
    from sqlglot import expressions as exp

    for kind in (exp.Where, exp.Having, exp.Qualify):
        yield from tree.find_all(kind)
    for join in tree.find_all(exp.Join):
        if join.args.get("on") is not None:
            yield join.args["on"]


class _Macro(jinja2.Undefined):
    """A macro of the project: renders as a call with its arguments, which are SQL."""

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        listed = [_as_sql(str(one)) for one in (*arguments, *keywords.values())]
        return f"{self._undefined_name}({', '.join(listed)})"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Macro(name=name)

    def __str__(self) -> str:
        return str(self._undefined_name)


def _as_sql(argument: str) -> str:
    """An argument of a macro: SQL as it is, and a plain text such as lifestyle:luxury in quotes."""
    import sqlglot

    try:
        expression = sqlglot.parse_one(f"select {argument}", read="duckdb")
    except sqlglot.errors.SqlglotError:
        expression = None
    is_text = expression is None or (":" in argument and "'" not in argument)
    return "'" + argument.replace("'", "''") + "'" if is_text else argument


def rendered(body: str) -> str:
    """The SQL of a definition with the names of models in place of refs, without dbt."""
    environment = jinja2.Environment(undefined=_Macro)
    text: str = environment.from_string(body).render(
        ref=lambda *names: names[-1],
        source=lambda *names: "_".join(names),
        var=lambda name, default=None: "1" if default is None else default,
        config=lambda **_: "",
    )
    return text


def _layers(project: Path) -> dict[str, str]:
    """The layer of every model, by its name."""
    return {
        path.stem: layer
        for path in (project / "models").rglob("*.sql")
        for layer in [path.relative_to(project / "models").parts[0]]
        if layer in RANK
    }


# The release -------------------------------------------------------------------------------------


def lint_release(catalogue: Catalogue, connection: duckdb.DuckDBPyConnection) -> list[Finding]:
    """What the current release tells of segments that the project has.

    Args:
        catalogue: the files.
        connection: to the marts of a release, for reading.
    """
    row = connection.execute("select as_of, business_time_zone from release").fetchone()
    assert row is not None, "a release has its row in release"
    instant: dt.datetime = row[0]
    # The business's own day, as the models have it: the end of a day is often another day in UTC.
    as_of = instant.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(row[1])).date()
    found: list[Finding] = []
    for segment in catalogue.segments:
        if segment.is_on:
            found += _lint_review(segment, as_of, catalogue)
    limit = float(catalogue.variables.get("segment_maximum_share") or 1)
    for key, members, share in connection.execute(
        "select segment_key, member_count, share_of_base from segments"
    ).fetchall():
        listed = catalogue.by_key.get(key)
        if listed is not None and listed.is_on:
            found += _lint_size(listed, members, float(share or 0), limit)
    found += _lint_alike(catalogue, connection)
    return sorted(set(found))


def _lint_review(segment: Segment, as_of: dt.date, catalogue: Catalogue) -> Iterator[Finding]:
    review = _day(segment.meta.get("review_by"))
    if review is None or review >= as_of:
        return
    grace = int(catalogue.variables.get("segment_review_grace_days") or DEFAULT_GRACE_DAYS)
    days = (as_of - review).days
    yield Finding(
        segment.path.as_posix(),
        segment.lines["review_by"],
        "refuse" if days > grace else "warn",
        "review",
        f"its review has been due for {days} day{'s' * (days != 1)} as of {as_of}; see whether it "
        "still serves its objective, then change it, retire it, or set review_by anew",
    )


def _lint_size(segment: Segment, members: int, share: float, limit: float) -> Iterator[Finding]:
    path = segment.path.as_posix()
    line = segment.lines.get("minimum_size", 0)
    minimum = segment.meta.get("minimum_size")
    if members == 0:
        yield Finding(
            path, segment.body_line, "warn", "empty",
            "nobody is in it; see whether its input has arrived and its condition can hold",
        )  # fmt: skip
    elif isinstance(minimum, int) and members < minimum:
        yield Finding(
            path, line, "warn", "too_small",
            f"{members:,} are in it, below its minimum_size of {minimum:,}; widen it, merge it, or "
            "lower the minimum",
        )  # fmt: skip
    elif share > limit:
        yield Finding(
            path, segment.body_line, "warn", "too_large",
            f"{share:.1%} of all customers are in it, above segment_maximum_share ({limit:.0%}); "
            "what fits nearly everyone tells nobody apart: narrow it down",
        )  # fmt: skip


def _lint_alike(catalogue: Catalogue, connection: duckdb.DuckDBPyConnection) -> Iterator[Finding]:
    """Pairs that are nearly one, a line per segment: of many alike, further pairs say no more."""
    pairs: dict[str, list[tuple[str, float]]] = {}
    for one, other, jaccard in connection.execute(
        f"select segment_a, segment_b, jaccard from ({overlap_query(connection)}) as pairs "
        "where jaccard > ? and segment_a < segment_b order by jaccard desc, segment_a, segment_b",
        [ALIKE],
    ).fetchall():
        # Of two members of groups their seeds say what they are.
        key = next((key for key in (other, one) if key in catalogue.by_key), None)
        if key is not None:
            pairs.setdefault(key, []).append((one if key == other else other, float(jaccard)))
    for key, others in pairs.items():
        segment = catalogue.by_key[key]
        other, jaccard = others[0]
        more = f" (and alike to {len(others) - 1} more)" if len(others) > 1 else ""
        remedy = (
            f"keep one of them, or `clientele segment merge {other} {key} --into ...`"
            if other in catalogue.by_key
            else f"{key} adds nothing to the group: retire it, or narrow it down"
        )
        yield Finding(
            segment.path.as_posix(), segment.body_line, "warn", "alike",
            f"{jaccard:.0%} of those in {other} or {key} are in both{more}; {remedy}",
        )  # fmt: skip


def overlap_query(connection: duckdb.DuckDBPyConnection) -> str:
    """A query for the pairs of segments with members in common: the published table, else counted.

    Its columns are segment_a, segment_b, customers_a, customers_b, customers_both and jaccard.
    """
    if "segment_overlap" in tables(connection):
        return (
            "select segment_a, segment_b, customers_a, customers_b, customers_both, jaccard "
            "from segment_overlap where customers_both > 0"
        )
    return """
        with sizes as (
            select segment_key, count(*) as members from segment_membership group by segment_key
        ),
        both_sides as (
            select a.segment_key as segment_a, b.segment_key as segment_b, count(*) as shared
            from segment_membership as a
            inner join segment_membership as b
                on a.customer_id = b.customer_id and a.segment_key <> b.segment_key
            group by all
        )
        select
            segment_a,
            segment_b,
            a.members as customers_a,
            b.members as customers_b,
            shared as customers_both,
            shared / (a.members + b.members - shared) as jaccard
        from both_sides
        inner join sizes as a on segment_a = a.segment_key
        inner join sizes as b on segment_b = b.segment_key
    """


def _day(value: Any) -> dt.date | None:
    try:
        return dt.date.fromisoformat(str(value))
    except ValueError:
        return None


def lint_text(findings: Iterable[Finding], released: str) -> str:
    """What the command prints.

    Args:
        findings: refusals and warnings.
        released: which release was looked at, or that there is none.
    """
    listed = sorted(findings, key=lambda one: (one.severity != "refuse", one))
    refused = sum(finding.severity == "refuse" for finding in listed)
    warned = len(listed) - refused
    lines = [str(finding) for finding in listed]
    if lines:
        lines.append("")
    return "\n".join([*lines, f"{refused} refused, {warned} to look at; {released}."])
