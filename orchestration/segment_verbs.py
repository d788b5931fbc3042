"""What `clientele segment new, retire, rename, merge and split` change in the files of a project.

Each verb refuses with a sentence, or writes everything it means to and says what that was. History
is not touched: members leave or are carried over at the next refresh, by the lineage written here.

Does not belong here: how files are edited (segment_changes.py), arguments and printing
(segment_cli.py), or reading a release.
"""

from __future__ import annotations

import calendar
import datetime as dt
import difflib
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.errors import ClienteleError
from orchestration.segment_changes import (
    Plan,
    add_contracts,
    add_lineage,
    change_list,
    change_seed_keys,
    contract_text,
    list_keys,
    priority_list_keys,
    remove_contracts,
    seeds_with_segments,
)
from orchestration.segment_files import (
    COMPUTED,
    DECISIONS_SEED,
    ENTITIES,
    KPIS_TO_COME,
    LINEAGE_SEED,
    MEMBERS_SEED,
    PROJECT_FILE,
    SEGMENTS_FOLDER,
    SKELETON_MARK,
    Catalogue,
    Segment,
    catalogue_faults,
    joined,
    key_fault,
    read_catalogue,
    shown,
)
from orchestration.yaml_text import load_yaml

DEFAULT_FAMILY = "custom"
REVIEW_AFTER_MONTHS = 6
DEFAULT_MINIMUM_SIZE = 20
"""Of so few customers no rate says anything; the shipped segments have the same."""

_TEXTS = ("owner", "objective", "goal_kpi")
# What a definition says of itself stays with it when it becomes part of another.
_CARRIED = ("needs", "sensitive_reason", "demographics_reason")
# What a file says of itself alone, and a copy of it says anew.
_ITS_OWN = frozenset({"name", "description", "examples", "priority", "review_by"})
_FAMILY = re.compile(r"[a-z][a-z0-9_]{0,59}")
_AT_REFRESH = "Its members leave at the next refresh; history keeps their stays."


@dataclass(frozen=True)
class Wishes:
    """What the caller says of a segment that is written; None where nothing is said."""

    family: str | None = None
    entity: str | None = None
    owner: str | None = None
    objective: str | None = None
    goal_kpi: str | None = None


def new_segment(
    catalogue: Catalogue,
    key: str,
    wishes: Wishes,
    *,
    today: dt.date,
    copied: str | None = None,
) -> list[str]:
    """Write a segment file, a contract to fill in, and the line that switches it on.

    Args:
        catalogue: the files as they are.
        key: of the segment.
        wishes: its family and metadata.
        today: the day that the review date is counted from.
        copied: key of a segment whose definition, metadata and contracts are the start.

    Returns:
        What was written, and what to do next, line by line.

    Raises:
        ClienteleError: the key or a wish does not do.
    """
    _refuse_key(catalogue, key)
    source = catalogue.segment(copied) if copied else None
    if source is not None:
        _refuse_unreadable(source)
    entity = wishes.entity or (source.entity if source else "customer")
    if entity not in ENTITIES:
        raise ClienteleError(
            f"{shown(entity)} is no entity", remedy=f"give --entity {' or '.join(ENTITIES)}"
        )
    if source is not None and entity != source.entity:
        raise ClienteleError(
            f"{source.key} selects {source.entity}s and {key} is to select {entity}s",
            where=source.path.as_posix(),
            remedy="leave --entity or --from away",
        )
    folder = _folder(wishes.family if wishes.family is not None or not source else source.family)
    carried = {
        name: value
        for name, value in (source.meta if source else {}).items()
        if name not in _ITS_OWN
    }
    meta = _metadata(
        catalogue, key, {**carried, **_given(wishes)}, today, _free_priority(catalogue), entity
    )
    body = source.body if source else _empty_body(entity)
    plan = Plan(catalogue.project)
    path = folder / f"seg_{key}.sql"
    plan.write(path, _sql(meta, body))
    if source and source.contracts:
        blocks = [
            _of_another_model(contract_text(plan, contract), source.model, f"seg_{key}")
            for contract in source.contracts
        ]
    else:
        blocks = [_skeleton(key, entity, _inputs(source, entity))]
    contracts = add_contracts(plan, folder, blocks)
    change_list(plan, list_keys("segments"), add=[key])
    _apply(plan, catalogue)

    told = [
        f"wrote    {path.as_posix()}",
        f"wrote    {contracts.as_posix()}: "
        + (
            f"the contract{'s' * (len(blocks) > 1)} of {source.key}, to change with the definition"
            if source and source.contracts
            else "a contract that fails until you fill it in"
        ),
        f'added    "- {key}" under vars.segments in {PROJECT_FILE}',
    ]
    missing = [name for name in _TEXTS if not meta.get(name)]
    if missing:
        told.append(
            f"missing  {joined(missing)}: fill in at the top of the file, or a refresh is refused"
        )
    return [
        *told,
        "",
        f"Next: {'change' if source else 'write'} the definition and the contract, then "
        f"`clientele segment test {key}`,",
        "`clientele segment lint` and `clientele refresh`.",
    ]


def retire_segment(catalogue: Catalogue, key: str, *, reason: str, today: dt.date) -> list[str]:
    """Take a segment out of the project and write down when and why.

    Raises:
        ClienteleError: there is no such segment, no reason, or another file refers to it.
    """
    segment = catalogue.segment(key)
    _refuse_reasonless(reason)
    _refuse_read(catalogue, [segment], "retired")
    plan = Plan(catalogue.project)
    told = _take_out(plan, catalogue, segment)
    add_lineage(plan, [(key, "retired", "", today.isoformat(), _one_line(reason))])
    _apply(plan, catalogue)
    return [
        *told,
        f"noted    {LINEAGE_SEED}: {key} retired on {today.isoformat()}",
        "",
        _AT_REFRESH,
        f"Git keeps the file. Next: `clientele refresh`. The key {key} is not given again.",
    ]


def rename_segment(
    catalogue: Catalogue, old: str, new: str, *, reason: str, today: dt.date
) -> list[str]:
    """Give a segment another key wherever the project names it.

    Raises:
        ClienteleError: there is no such segment, or the new key does not do.
    """
    segment = catalogue.segment(old)
    _refuse_key(catalogue, new)
    plan = Plan(catalogue.project)
    path = segment.path.with_name(f"seg_{new}.sql")
    told = [f"moved    {segment.path.as_posix()} to {path.name}"]
    # Readers first: their texts hold the contracts of the segment, and its own file.
    for file in sorted({reader for reader, _ in catalogue.readers(old)}):
        plan.write(file, _with_another_ref(plan.read(file), segment.model, f"seg_{new}"))
        told.append(f"changed  {file.as_posix()}: refers to {new}")
    for file in sorted({contract.path for contract in segment.contracts}):
        text = _of_another_model(plan.read(file), segment.model, f"seg_{new}")
        plan.write(file, _with_another_ref(text, segment.model, f"seg_{new}"))
        told.append(f"changed  {file.as_posix()}: its contract")
    plan.remove(segment.path)
    plan.write(path, segment.text)
    told += _in_lists(plan, catalogue, segment, [new], [new])
    told += _in_seeds(plan, catalogue, old, new)
    add_lineage(plan, [(old, "renamed", new, today.isoformat(), _one_line(reason))])
    _apply(plan, catalogue)
    return [
        *told,
        f"noted    {LINEAGE_SEED}: {old} renamed to {new} on {today.isoformat()}",
        "",
        f"From the next refresh on the whole history of {old} is that of {new}: nobody leaves.",
        "Next: `clientele refresh`.",
    ]


def merge_segments(
    catalogue: Catalogue,
    keys: Sequence[str],
    into: str,
    *,
    reason: str,
    today: dt.date,
    wishes: Wishes | None = None,
) -> list[str]:
    """Make one segment of several.

    The one they are merged into is written as the union of their definitions, unless it exists.

    Raises:
        ClienteleError: a segment is not there, they do not select the same entity, or another file
            refers to one of them.
    """
    wishes = wishes or Wishes()
    segments = [catalogue.segment(key) for key in dict.fromkeys(keys)]
    leaving = [segment for segment in segments if segment.key != into]
    if len(segments) < 2:
        raise ClienteleError(
            "a merger needs two different segments", remedy="name both before --into"
        )
    for segment in segments:
        _refuse_unreadable(segment)
    target = catalogue.by_key.get(into)
    entities = {segment.entity for segment in [*segments, *([target] if target else [])]}
    if len(entities) > 1:
        raise ClienteleError(
            f"{joined(keys)} select different entities ({joined(sorted(entities))})",
            where=segments[0].path.as_posix(),
            remedy="merge segments of customers with such, and of accounts with such",
        )
    if target is None:
        _refuse_key(catalogue, into)
    _refuse_read(catalogue, leaving, "merged", allowed=[segment.path for segment in leaving])
    for segment in leaving:
        inner = [model for model, _ in segment.reads if model in {one.model for one in segments}]
        if inner:
            raise ClienteleError(
                f"it is built on {inner[0][4:]}, which is merged with it",
                where=segment.path.as_posix(),
                remedy=f"retire {segment.key} instead, or write {into} yourself and merge then",
            )
    plan = Plan(catalogue.project)
    told: list[str] = []
    first = segments[0]
    if target is None:
        carried: dict[str, Any] = {name: first.meta.get(name) for name in _TEXTS}
        carried["minimum_size"] = first.meta.get("minimum_size")
        for name in _CARRIED:
            values = [one.meta[name] for one in segments if one.meta.get(name)]
            if values:
                carried[name] = _united(values)
        priority = min(
            _number(one.meta.get("priority")) or _free_priority(catalogue) for one in segments
        )
        meta = _metadata(
            catalogue, into, {**carried, **_given(wishes)}, today, priority, first.entity
        )
        folder = _folder(wishes.family if wishes.family is not None else first.family)
        path = folder / f"seg_{into}.sql"
        plan.write(path, _sql(meta, _union_body(segments)))
        told.append(
            f"wrote    {path.as_posix()}: everyone of {joined(one.key for one in segments)}"
        )
    for segment in leaving:
        told += _take_out(plan, catalogue, segment, successors=[into])
    if target is None:
        inputs = list(dict.fromkeys(name for one in segments for name in _inputs(one, one.entity)))
        contracts = add_contracts(plan, folder, [_skeleton(into, first.entity, inputs)])
        told.append(f"wrote    {contracts.as_posix()}: a contract that fails until you fill it in")
    add_lineage(
        plan,
        [(one.key, "merged", into, today.isoformat(), _one_line(reason)) for one in leaving],
    )
    _apply(plan, catalogue)
    told.append(
        f"noted    {LINEAGE_SEED}: {joined(one.key for one in leaving)} merged into {into} on "
        f"{today.isoformat()}"
    )
    if target is not None:
        told.append(f"as is    {target.path.as_posix()}: see that it selects those you mean")
    return [
        *told,
        "",
        f"The members of {joined(one.key for one in leaving)} leave at the next refresh"
        + (f", and enter {into}." if target is None else "."),
        f"Next: fill in the contract, `clientele segment test {into}`, then `clientele refresh`."
        if target is None
        else "Next: `clientele refresh`.",
    ]


def split_segment(
    catalogue: Catalogue, key: str, into: Sequence[str], *, reason: str, today: dt.date
) -> list[str]:
    """Make several segments of one; those that do not exist begin with its definition.

    Raises:
        ClienteleError: there is no such segment, a new key does not do, or another file refers to
            the segment.
    """
    segment = catalogue.segment(key)
    parts = list(dict.fromkeys(into))
    if len(parts) < 2 or key in parts:
        raise ClienteleError(
            f"{key} cannot be split into {joined(shown(part) for part in into)}",
            remedy="name two or more other keys behind --into",
        )
    _refuse_unreadable(segment)
    written = [part for part in parts if part not in catalogue.by_key]
    for part in written:
        _refuse_key(catalogue, part)
    for part in parts:
        if part not in written and catalogue.by_key[part].entity != segment.entity:
            raise ClienteleError(
                f"it selects {catalogue.by_key[part].entity}s, and {key} {segment.entity}s",
                where=catalogue.by_key[part].path.as_posix(),
                remedy="split into segments of the same entity",
            )
    _refuse_read(catalogue, [segment], "split")
    plan = Plan(catalogue.project)
    told: list[str] = []
    folder = segment.path.parent
    taken = _number(segment.meta.get("priority"))
    for number, part in enumerate(written):
        priority = taken if number == 0 and taken else _free_priority(catalogue, number)
        carried = {name: value for name, value in segment.meta.items() if name not in _ITS_OWN}
        meta = _metadata(catalogue, part, carried, today, priority, segment.entity)
        body = (
            f"-- Still the whole of {key}, of which this is to be a part: narrow it down.\n"
            f"{segment.body}"
        )
        path = folder / f"seg_{part}.sql"
        plan.write(path, _sql(meta, body))
        told.append(f"wrote    {path.as_posix()}: the definition of {key}, to be narrowed down")
    told += _take_out(plan, catalogue, segment, successors=parts)
    if written:
        contracts = add_contracts(
            plan,
            folder,
            [_skeleton(part, segment.entity, _inputs(segment, segment.entity)) for part in written],
        )
        told.append(
            f"wrote    {contracts.as_posix()}: {len(written)} "
            f"contract{'s' * (len(written) > 1)} to fill in"
        )
    add_lineage(
        plan, [(key, "split", part, today.isoformat(), _one_line(reason)) for part in parts]
    )
    _apply(plan, catalogue)
    return [
        *told,
        f"noted    {LINEAGE_SEED}: {key} split into {joined(parts)} on {today.isoformat()}",
        "",
        f"The members of {key} leave at the next refresh, and enter those parts they belong to.",
        *(
            [
                f"Next: narrow down {joined(written)}, fill in the contracts,",
                f"`clientele segment test {' '.join(written)}`, then `clientele refresh`.",
            ]
            if written
            else ["Next: `clientele refresh`."]
        ),
    ]


# What is refused ---------------------------------------------------------------------------------


def _refuse_key(catalogue: Catalogue, key: str) -> None:
    fault = key_fault(key, catalogue)
    if fault:
        raise ClienteleError(
            f"{shown(key)!r} cannot be the key of a segment: {fault}", remedy="choose another key"
        )
    where = ""
    if key in catalogue.by_key:
        where, fault = catalogue.by_key[key].path.as_posix(), "there is a segment of this key"
    elif key in catalogue.member_keys:
        where, fault = MEMBERS_SEED.as_posix(), "there is a group member of this key"
    elif key in catalogue.retired_keys:
        row = catalogue.retired_keys[key]
        where = LINEAGE_SEED.as_posix()
        fault = f"{key} was {row['change']} on {row['changed_on']}, and its history stays its own"
    elif key in catalogue.listed("segments") + catalogue.listed("segments_off"):
        where, fault = PROJECT_FILE.as_posix(), f"{key} is listed there, without a file"
    if fault:
        raise ClienteleError(fault, where=where, remedy="choose another key")


def _refuse_unreadable(segment: Segment) -> None:
    if segment.fault:
        raise ClienteleError(
            segment.fault,
            where=f"{segment.path.as_posix()}:{segment.fault_line}",
            remedy="correct it first",
        )


def _refuse_reasonless(reason: str) -> None:
    if not reason.strip():
        raise ClienteleError(
            "a segment is not retired without a reason", remedy="say why with --reason"
        )


def _refuse_read(
    catalogue: Catalogue,
    segments: Iterable[Segment],
    done: str,
    allowed: Sequence[Path] = (),
) -> None:
    """Refuse to take segments away that other files refer to."""
    for segment in segments:
        readers = [
            (path, line) for path, line in catalogue.readers(segment.key) if path not in allowed
        ]
        if readers:
            path, line = readers[0]
            more = [other.as_posix() for other, _ in readers[1:] if other != path]
            raise ClienteleError(
                f"{segment.key} cannot be {done} while this file reads it"
                + (f", as {joined(dict.fromkeys(more))} do" if more else ""),
                where=f"{path.as_posix()}:{line}",
                remedy="let it read something else first",
            )


def _apply(plan: Plan, catalogue: Catalogue) -> None:
    """Write the plan; undo it when the files do not fit afterwards and did before."""
    known = set(catalogue_faults(catalogue))

    def verify() -> None:
        after = read_catalogue(catalogue.project)
        faults = [fault for fault in catalogue_faults(after) if fault not in known]
        if faults:
            raise ClienteleError(
                f"nothing was changed, for the files would not fit: {faults[0].sentence}"
            )

    plan.apply(verify)


def _one_line(reason: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in reason).split())


# What is written ---------------------------------------------------------------------------------


def _folder(family: str | None) -> Path:
    if family is None:
        return SEGMENTS_FOLDER / DEFAULT_FAMILY
    if family == "":
        return SEGMENTS_FOLDER
    if not all(_FAMILY.fullmatch(part) for part in family.split("/")):
        raise ClienteleError(
            f"{shown(family)!r} cannot be the name of a folder of segments",
            where="--family",
            remedy="use lower-case letters, digits and underscores",
        )
    return SEGMENTS_FOLDER / family


def _given(wishes: Wishes) -> dict[str, str]:
    given = {name: getattr(wishes, name) for name in _TEXTS}
    return {name: value for name, value in given.items() if value is not None}


def _metadata(
    catalogue: Catalogue,
    key: str,
    carried: Mapping[str, Any],
    today: dt.date,
    priority: int,
    entity: str,
) -> dict[str, Any]:
    """The entries of a new file, in the order in which all have them."""
    computed = [name for name, value in carried.items() if value == COMPUTED]
    if computed:
        raise ClienteleError(
            f"the entry {computed[0]} of the metadata is computed, and a copy cannot say how",
            where="config(meta=...)",
            remedy="write the value out first",
        )
    for name in _TEXTS:
        value = str(carried.get(name) or "")
        if re.search(r"[{}\n\r\\]", value) or not value.isprintable():
            raise ClienteleError(
                f"it holds a brace, a backslash or a line break, which the file cannot: "
                f"{shown(value)}",
                where=f"--{name.replace('_', '-')}",
                remedy="leave that out",
            )
    goal_kpi = str(carried.get("goal_kpi") or "")
    if goal_kpi and goal_kpi not in catalogue.kpis | KPIS_TO_COME:
        raise ClienteleError(
            unknown_kpi(goal_kpi, catalogue.kpis), where="--goal-kpi", remedy="choose one of them"
        )
    meta: dict[str, Any] = {
        "name": key.replace("_", " ").capitalize(),
        **({"entity": entity} if entity != "customer" else {}),
        "owner": str(carried.get("owner") or ""),
        "objective": str(carried.get("objective") or ""),
        "goal_kpi": goal_kpi,
        "priority": priority,
        "minimum_size": _number(carried.get("minimum_size")) or DEFAULT_MINIMUM_SIZE,
        "review_by": _months_on(today, REVIEW_AFTER_MONTHS).isoformat(),
    }
    others = {name: value for name, value in carried.items() if name not in meta}
    return {**meta, **{name: value for name, value in others.items() if name != "entity"}}


def unknown_kpi(name: str, kpis: Iterable[str]) -> str:
    """The clause that a goal KPI is none, with those that look alike or all there are."""
    names = sorted(kpis)
    close = difflib.get_close_matches(name, names, n=2)
    return (
        f"{shown(name)} is no KPI of segment_kpis (did you mean {' or '.join(close)}?)"
        if close
        else f"{shown(name)} is no KPI of segment_kpis; there are {joined(names)}"
    )


def _months_on(day: dt.date, months: int) -> dt.date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _free_priority(catalogue: Catalogue, further: int = 0) -> int:
    """A multiple of ten behind the priorities of all segments that nobody has."""
    single = [_number(one.meta.get("priority")) for one in catalogue.segments]
    taken = {*single, *(_number(row.get("priority")) for row in catalogue.members)}
    priority = (max(single, default=0) // 10 + 1) * 10
    free = (value for value in range(priority, priority + 100_000, 10) if value not in taken)
    for _ in range(further):
        next(free)
    return next(free)


def _number(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0


def _sql(meta: Mapping[str, Any], body: str) -> str:
    entries = "".join(f"    '{name}': {_literal(value)},\n" for name, value in meta.items())
    return (
        "{{ config(enabled=segment_is_on(model.name), meta={'segment': {\n"
        f"{entries}"
        "}}) }}\n\n"
        f"{body}\n"
    )


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "\\'") + "'"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_literal(one) for one in value) + "]"
    return repr(value)


def _empty_body(entity: str) -> str:
    return (
        f"-- Say here in one sentence who is in, and put the condition in place of `false`.\n"
        f"select\n"
        f"    as_of,\n"
        f"    {entity}_id\n"
        f"from {{{{ ref('{entity}_profiles') }}}}\n"
        f"where false"
    )


def _union_body(segments: Sequence[Segment]) -> str:
    entity = segments[0].entity
    parts = ",\n\n".join(
        f"members_of_{one.key} as (\n{textwrap.indent(one.body, '    ')}\n)" for one in segments
    )
    selects = "\nunion\n".join(
        f"select\n    as_of,\n    {entity}_id\nfrom members_of_{one.key}" for one in segments
    )
    names = joined(one.key for one in segments)
    return f"-- Everyone of {names}, which were merged.\nwith\n\n{parts}\n\n{selects}"


def _inputs(segment: Segment | None, entity: str) -> list[str]:
    """The models and seeds that a contract must give rows for."""
    named = list(dict.fromkeys(name for name, _ in segment.reads)) if segment else []
    return named or [f"{entity}_profiles"]


def _skeleton(key: str, entity: str, inputs: Sequence[str]) -> str:
    """A unit test that cannot pass: the row it expects says what to do."""
    given = "".join(
        f"- input: ref('{name}')\n"
        "  rows:\n"
        f"    - {{{entity}_id: is in}}\n"
        f"    - {{{entity}_id: in on the edge}}\n"
        f"    - {{{entity}_id: just out}}\n"
        f"    - {{{entity}_id: is out}}\n"
        for name in inputs
    )
    return (
        f"- name: {key}_has_its_edges\n"
        f"  description: >\n"
        f"    {SKELETON_MARK}. Give each {entity} the columns that the definition looks at, with\n"
        f"    values on both sides of every bound; expect those who are in; say what it shows.\n"
        f"  model: seg_{key}\n"
        f"  given:\n{textwrap.indent(given, '    ')}"
        f"  expect:\n"
        f"    rows:\n"
        f"      - {{{entity}_id: this contract is a skeleton; write who is in}}\n"
    )


def _of_another_model(text: str, old: str, new: str) -> str:
    model = re.compile(rf"(?m)^(\s*(?:- )?model:\s*)(['\"]?){re.escape(old)}\2[ \t]*$")
    return model.sub(rf"\g<1>{new}", text)


def _with_another_ref(text: str, old: str, new: str) -> str:
    return re.sub(
        rf"""(\bref\(\s*(['"])){re.escape(old)}(\2\s*\))""",
        lambda match: f"{match[1]}{new}{match[3]}",
        text,
    )


def _united(values: Sequence[Any]) -> Any:
    if all(isinstance(value, (list, tuple)) for value in values):
        return list(dict.fromkeys(item for value in values for item in value))
    return "; ".join(dict.fromkeys(str(value) for value in values))


def _take_out(
    plan: Plan, catalogue: Catalogue, segment: Segment, successors: Sequence[str] = ()
) -> list[str]:
    """Take away the file, the contracts, the line and every other mention of a segment.

    Args:
        plan: what is changed.
        catalogue: the files as they are.
        segment: that goes.
        successors: keys that take its place in the lists.
    """
    plan.remove(segment.path)
    told = [f"removed  {segment.path.as_posix()}"]
    if segment.contracts:
        remove_contracts(plan, segment.contracts)
        for path in sorted({contract.path for contract in segment.contracts}):
            told.append(f"removed  its contract from {path.as_posix()}")
    fresh = [key for key in successors if key not in catalogue.by_key]
    told += _in_lists(plan, catalogue, segment, fresh, successors)
    told += _in_seeds(plan, catalogue, segment.key, None)
    return told


def _in_lists(
    plan: Plan,
    catalogue: Catalogue,
    segment: Segment,
    listed: Sequence[str],
    ranked: Sequence[str],
) -> list[str]:
    """Replace a key in the list it stands in, and in the priority lists.

    Args:
        plan: what is changed.
        catalogue: the files as they are.
        segment: whose key goes.
        listed: keys that take its place in vars.segments or vars.segments_off.
        ranked: keys that take its place in priority lists, where they are on.
    """
    told = []
    place = read_lists(plan)
    for name in ("segments", "segments_off"):
        if segment.key in place[name]:
            # Of merged segments one may be on and another off; the new one is on then.
            others = place["segments"] + place["segments_off"]
            add = [key for key in listed if key not in others]
            if name == "segments":
                off = [key for key in listed if key in place["segments_off"]]
                change_list(plan, list_keys("segments_off"), take={key: [] for key in off})
                add += off
            change_list(plan, list_keys(name), take={segment.key: add})
            told.append(_list_line(f"vars.{name}", segment.key, add))
    on = set(read_lists(plan)["segments"])
    for name, keys in catalogue.priority_lists.items():
        if segment.key in keys:
            there = _priority_list(plan, name)
            add = [key for key in ranked if key not in there and key in on]
            change_list(plan, priority_list_keys(name), take={segment.key: add})
            told.append(_list_line(f"priority list {name}", segment.key, add))
    return told


def _list_line(name: str, key: str, keys: Sequence[str]) -> str:
    if keys:
        return f"changed  {name} in {PROJECT_FILE}: {joined(keys)} in place of {key}"
    return f"changed  {name} in {PROJECT_FILE}: without {key}"


def read_lists(plan: Plan) -> dict[str, list[str]]:
    """The lists of segments as they will be."""
    variables = load_yaml(plan.read(PROJECT_FILE))["vars"]
    return {
        name: [str(key) for key in variables.get(name) or []]
        for name in ("segments", "segments_off")
    }


def _priority_list(plan: Plan, name: str) -> list[str]:
    lists = load_yaml(plan.read(PROJECT_FILE))["vars"]["priority_lists"]
    return [str(key) for key in lists[name] or []]


def _in_seeds(plan: Plan, catalogue: Catalogue, key: str, new_key: str | None) -> list[str]:
    told = []
    for path in seeds_with_segments(catalogue.project):
        if path == DECISIONS_SEED and new_key is None:
            continue  # why a segment was what it was is not forgotten when it goes
        count = change_seed_keys(plan, path, key, new_key)
        if count:
            rows = f"{count} row{'s' * (count > 1)}"
            told.append(
                f"changed  {path.as_posix()}: {rows} renamed"
                if new_key
                else f"removed  {rows} of {key} from {path.as_posix()}"
            )
    return told
