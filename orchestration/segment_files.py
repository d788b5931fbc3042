"""The catalogue of segments as files: in models/segments, in dbt_project.yml and in seeds.

Reads, and says what is wrong between the files before dbt is asked: names, keys given twice, lists
that do not fit, circles. Needs neither dbt nor a release, and takes a second for 500 segments.

Does not belong here: changing files (segment_changes.py), judging what a segment selects
(segment_lint.py), or anything of a release (segment_report.py).
"""

from __future__ import annotations

import csv
import difflib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import jinja2
import jinja2.nodes
import yaml

from orchestration.errors import ClienteleError
from orchestration.yaml_text import LOADER, load_yaml

SEGMENTS_FOLDER = Path("models/segments")
PROJECT_FILE = Path("dbt_project.yml")
CONTRACTS_FILE = "_contracts.yml"
MEMBERS_SEED = Path("seeds/segment_group_members.csv")
LINEAGE_SEED = Path("seeds/segment_lineage.csv")
LINEAGE_COLUMNS = ("segment_key", "change", "successor_key", "changed_on", "reason")
DECISIONS_SEED = Path("seeds/segment_decisions.csv")
REQUIRED_META = ("owner", "objective", "goal_kpi", "priority", "minimum_size", "review_by")
ENTITIES = ("customer", "account")
KPIS_TO_COME = frozenset({"customer_lifetime_value_predicted"})
"""KPIs that have a name and a meaning and are not computed yet: a goal all the same."""

RESERVED_KEYS = {"all": "it stands for everyone in segment_kpis"}
MAXIMUM_KEY_LENGTH = 60
COMPUTED = "(computed)"
"""What is known of an entry of the metadata that is no plain value."""

SKELETON_MARK = "SKELETON"
"""How the description of a contract begins that nobody has filled in yet."""

_KEY = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_REF = re.compile(r"""\bref\(\s*(['"])(?P<name>\w+)\1\s*\)""")
_CONFIG = re.compile(r"\{\{-?\s*config\(.*?\)\s*-?\}\}", re.S)
_KPI = re.compile(r"'kpi':\s*'(\w+)'")
_REFERRING = ("models", "macros", "tests/data", "seeds")


@dataclass(frozen=True)
class Contract:
    """A dbt unit test of a segment.

    Attributes:
        name: of the unit test; model: that it tests.
        path: of its YAML, below the project.
        first, last: its lines there, from 0, the last one outside.
        is_skeleton: whether nobody has filled it in yet.
    """

    name: str
    model: str
    path: Path
    first: int
    last: int
    is_skeleton: bool


@dataclass(frozen=True)
class Segment:
    """One segment file.

    Attributes:
        key: of the segment; path: of its file, below the project; text: what stands there.
        meta: the entries of its metadata that are written out; lines: where each stands, from 1.
        fault: why its metadata cannot be read, else empty; fault_line: where.
        is_on, is_off: whether vars.segments or vars.segments_off names it.
        contracts: its unit tests.
    """

    key: str
    path: Path
    text: str
    meta: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    fault: str = ""
    fault_line: int = 1
    is_on: bool = False
    is_off: bool = False
    contracts: tuple[Contract, ...] = ()

    @property
    def model(self) -> str:
        """Its dbt model."""
        return f"seg_{self.key}"

    @property
    def family(self) -> str:
        """Its folder below models/segments; empty when it lies there itself."""
        folder = self.path.parent.relative_to(SEGMENTS_FOLDER).as_posix()
        return "" if folder == "." else folder

    @property
    def entity(self) -> str:
        """What its members are."""
        return str(self.meta.get("entity") or "customer")

    @property
    def name(self) -> str:
        """What people call it."""
        return str(self.meta.get("name") or self.key.replace("_", " ").capitalize())

    @property
    def body(self) -> str:
        """Its definition: the file without its config."""
        return _CONFIG.sub("", self.text, count=1).strip("\n")

    @property
    def body_line(self) -> int:
        """The line on which its definition begins, from 1."""
        match = _CONFIG.search(self.text)
        start = match.end() if match else 0
        while start < len(self.text) and self.text[start].isspace():
            start += 1
        return self.text.count("\n", 0, start) + 1

    @property
    def reads(self) -> tuple[tuple[str, int], ...]:
        """The models and seeds it refers to, with the line of each, from 1."""
        return tuple(
            (match["name"], self.text.count("\n", 0, match.start()) + 1)
            for match in _REF.finditer(self.text)
        )


@dataclass(frozen=True)
class GroupFile:
    """The file of an exclusive group: its name in vars.segment_groups and its path."""

    name: str
    path: Path


@dataclass(frozen=True)
class Catalogue:
    """Everything that the files of a project say about segments.

    Attributes:
        project: the folder of dbt_project.yml.
        segments: one per file seg_<key>.sql, by path.
        groups: one per file grp_<name>.sql.
        variables: vars of dbt_project.yml, or of this run.
        members: the rows of segment_group_members; lineage: those of segment_lineage.
        kpis: names that a goal_kpi may have.
    """

    project: Path
    segments: tuple[Segment, ...]
    groups: tuple[GroupFile, ...]
    variables: Mapping[str, Any]
    members: tuple[Mapping[str, str], ...]
    lineage: tuple[Mapping[str, str], ...]
    kpis: frozenset[str]

    @cached_property
    def by_key(self) -> dict[str, Segment]:
        """The segments by key; of two files with one key the first."""
        return {segment.key: segment for segment in reversed(self.segments)}

    @cached_property
    def member_keys(self) -> dict[str, Mapping[str, str]]:
        """The rows of segment_group_members by the key of the member."""
        return {f"{row['exclusive_group']}_{row['member']}": row for row in self.members}

    @cached_property
    def group_prefixes(self) -> frozenset[str]:
        """What the keys of group members begin with."""
        named = {group.name for group in self.groups}
        return frozenset(
            f"{name}_" for name in {row["exclusive_group"] for row in self.members} | named
        )

    @cached_property
    def retired_keys(self) -> dict[str, Mapping[str, str]]:
        """The keys that no segment has any more, with the first row of their lineage."""
        return {row["segment_key"]: row for row in reversed(self.lineage)}

    def successors(self, key: str) -> list[str]:
        """The keys that took the place of one that is gone."""
        return [
            row["successor_key"]
            for row in self.lineage
            if row["segment_key"] == key and row["successor_key"]
        ]

    def listed(self, name: str) -> list[str]:
        """The names in a list of vars."""
        return [str(entry) for entry in self.variables.get(name) or []]

    @property
    def priority_lists(self) -> dict[str, list[str]]:
        """The keys of each priority list."""
        lists = self.variables.get("priority_lists") or {}
        return {str(name): [str(key) for key in keys or []] for name, keys in lists.items()}

    def segment(self, key: str) -> Segment:
        """The segment with a key.

        Raises:
            ClienteleError: no file has it; the sentence names keys that look alike.
        """
        if key in self.by_key:
            return self.by_key[key]
        if key in self.member_keys:
            group = self.member_keys[key]["exclusive_group"]
            raise ClienteleError(
                f"{key} is a member of the exclusive group {group}, not a segment of its own",
                where=MEMBERS_SEED.as_posix(),
                remedy="edit its row there",
            )
        if key in self.retired_keys:
            row = self.retired_keys[key]
            raise ClienteleError(
                f"{key} was {row['change']} on {row['changed_on']}"
                + (
                    f" ({joined(self.successors(key))} took its place)"
                    if row["successor_key"]
                    else ""
                ),
                where=LINEAGE_SEED.as_posix(),
                remedy="`clientele segment list --all` names the segments there are",
            )
        raise self.unknown(key)

    def unknown(self, key: str) -> ClienteleError:
        """The fault that no segment has this key."""
        known = [*self.by_key, *self.member_keys]
        close = difflib.get_close_matches(key[:MAXIMUM_KEY_LENGTH], known, n=3)
        return ClienteleError(
            f"there is no segment {shown(key)}",
            where=SEGMENTS_FOLDER.as_posix(),
            remedy=f"did you mean {' or '.join(close)}?"
            if close
            else "`clientele segment list --all` names them",
        )

    def readers(self, key: str) -> list[tuple[Path, int]]:
        """Every file and line, outside its own, that refers to the segment's model."""
        own = self.by_key[key].path
        return [
            (path, line)
            for path, line, model in self._references
            if model == f"seg_{key}" and path != own and not self._is_own_contract(key, path, line)
        ]

    def _is_own_contract(self, key: str, path: Path, line: int) -> bool:
        return any(
            contract.path == path and contract.first < line <= contract.last
            for contract in self.by_key[key].contracts
        )

    @cached_property
    def _references(self) -> list[tuple[Path, int, str]]:
        return [
            (path.relative_to(self.project), text.count("\n", 0, match.start()) + 1, match["name"])
            for path in _referring_files(self.project)
            for text in [path.read_text(encoding="utf-8", errors="replace")]
            for match in _REF.finditer(text)
            if match["name"].startswith("seg_")
        ]


def shown(text: str) -> str:
    """A name from outside, as it may stand in a sentence: printable, and not endless."""
    clean = "".join(char if char.isprintable() else "?" for char in text)
    return (
        f"{clean[:40]}... ({len(clean)} characters)" if len(clean) > MAXIMUM_KEY_LENGTH else clean
    )


def _referring_files(project: Path) -> Iterator[Path]:
    for folder in _REFERRING:
        for path in sorted((project / folder).rglob("*")):
            if path.suffix in {".sql", ".yml", ".yaml"}:
                yield path


def read_catalogue(project: Path, dbt_vars: Mapping[str, Any] | None = None) -> Catalogue:
    """Read the files of a project.

    Args:
        project: the folder of dbt_project.yml.
        dbt_vars: variables of this run, over those of the file.

    Raises:
        ClienteleError: dbt_project.yml, a contract or a seed cannot be read.
    """
    document = _yaml(project, PROJECT_FILE)
    variables = {**(document.get("vars") or {}), **(dbt_vars or {})}
    on = {str(entry) for entry in variables.get("segments") or []}
    off = {str(entry) for entry in variables.get("segments_off") or []}
    contracts: dict[str, list[Contract]] = {}
    for contract in _contracts(project):
        contracts.setdefault(contract.model, []).append(contract)
    segments, groups = [], []
    for file in sorted((project / SEGMENTS_FOLDER).rglob("*.sql")):
        path = file.relative_to(project)
        if path.stem.startswith("grp_"):
            groups.append(GroupFile(path.stem[4:], path))
        elif path.stem.startswith("seg_"):
            text = _text(project, path)
            meta, lines, fault, fault_line = _metadata(text)
            key = path.stem[4:]
            segments.append(
                Segment(
                    key=key,
                    path=path,
                    text=text,
                    meta=meta,
                    lines=lines,
                    fault=fault,
                    fault_line=fault_line,
                    is_on=key in on,
                    is_off=key in off and key not in on,
                    contracts=tuple(contracts.get(path.stem, ())),
                )
            )
    return Catalogue(
        project=project,
        segments=tuple(segments),
        groups=tuple(groups),
        variables=variables,
        members=tuple(read_seed(project, MEMBERS_SEED)),
        lineage=tuple(read_seed(project, LINEAGE_SEED)),
        kpis=_kpis(project),
    )


def _text(project: Path, path: Path) -> str:
    try:
        return (project / path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ClienteleError(
            "the file is not UTF-8", where=path.as_posix(), remedy="save it as UTF-8"
        ) from error
    except OSError as error:
        raise ClienteleError(
            f"the file cannot be read ({error.strerror})", where=path.as_posix()
        ) from error


def _yaml(project: Path, path: Path) -> dict[str, Any]:
    try:
        document = load_yaml(_text(project, path))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ClienteleError(
            f"it is no YAML ({getattr(error, 'problem', None) or 'it cannot be read'})",
            where=path.as_posix() + (f":{mark.line + 1}" if mark else ""),
            remedy="correct the line",
        ) from error
    return document if isinstance(document, dict) else {}


def read_seed(project: Path, path: Path) -> list[dict[str, str]]:
    """The rows of a seed as texts; none where the file is not there."""
    if not (project / path).exists():
        return []
    return [
        {str(name): value or "" for name, value in row.items()}
        for row in csv.DictReader(_text(project, path).splitlines())
    ]


def _kpis(project: Path) -> frozenset[str]:
    return frozenset(
        name
        for path in sorted((project / "macros" / "metrics").rglob("*.sql"))
        for name in _KPI.findall(path.read_text(encoding="utf-8"))
    )


def _contracts(project: Path) -> Iterator[Contract]:
    """The unit tests of the YAML files below models/segments."""
    for file in sorted((project / SEGMENTS_FOLDER).rglob("*.yml")):
        path = file.relative_to(project)
        document = _yaml(project, path)
        if document.get("unit_tests"):
            tests = document["unit_tests"]
            for test, (first, last) in zip(
                tests, item_lines(_text(project, path), ("unit_tests",)), strict=True
            ):
                description = str(test.get("description") or "").strip()
                yield Contract(
                    name=str(test.get("name")),
                    model=str(test.get("model")),
                    path=path,
                    first=first,
                    last=last,
                    is_skeleton=description.startswith(SKELETON_MARK),
                )


def item_lines(text: str, keys: Sequence[str]) -> list[tuple[int, int]]:
    """The lines of each item of a YAML list, from 0, the last one outside.

    Comments and blank lines behind an item belong to nobody, those before it to the one before.

    Args:
        text: a YAML document.
        keys: the way to the list from the top.
    """
    node = find_node(text, keys)
    if not isinstance(node, yaml.SequenceNode):
        return []
    rows = text.splitlines()
    found = []
    for item in node.value:
        first, last = item.start_mark.line, item.end_mark.line
        if item.end_mark.column > 0 and not isinstance(item, yaml.CollectionNode):
            last += 1
        last = max(last, first + 1)
        while last > first + 1 and (
            not rows[last - 1].strip() or rows[last - 1].lstrip().startswith("#")
        ):
            last -= 1
        found.append((first, last))
    return found


def find_node(text: str, keys: Sequence[str]) -> yaml.Node | None:
    """The node of a YAML document at the end of a way of keys; None where there is none."""
    node = yaml.compose(text, Loader=LOADER)
    for key in keys:
        if not isinstance(node, yaml.MappingNode):
            return None
        node = next((value for name, value in node.value if name.value == key), None)
    return node


def _metadata(text: str) -> tuple[dict[str, Any], dict[str, int], str, int]:
    """The entries of config(meta={'segment': {...}}), their lines, and why they cannot be read."""
    try:
        tree = jinja2.Environment().parse(text)
    except jinja2.TemplateSyntaxError as error:
        return {}, {}, f"its Jinja cannot be read ({error.message})", error.lineno
    for call in tree.find_all(jinja2.nodes.Call):
        if not (isinstance(call.node, jinja2.nodes.Name) and call.node.name == "config"):
            continue
        for keyword in call.kwargs:
            section = _entry(keyword.value, "segment") if keyword.key == "meta" else None
            if isinstance(section, jinja2.nodes.Dict):
                return (*_entries(section), "", call.lineno)
    return {}, {}, "it has no config(meta={'segment': {...}})", 1


def _entry(node: jinja2.nodes.Node, key: str) -> jinja2.nodes.Node | None:
    if isinstance(node, jinja2.nodes.Dict):
        for pair in node.items:
            if isinstance(pair.key, jinja2.nodes.Const) and pair.key.value == key:
                return pair.value
    return None


def _entries(section: jinja2.nodes.Dict) -> tuple[dict[str, Any], dict[str, int]]:
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for pair in section.items:
        if isinstance(pair.key, jinja2.nodes.Const):
            name = str(pair.key.value)
            lines[name] = pair.key.lineno
            try:
                values[name] = pair.value.as_const()
            except jinja2.nodes.Impossible:
                values[name] = COMPUTED
    return values, lines


def key_fault(key: str, catalogue: Catalogue) -> str:
    """Why a key is no good name for a segment, as a clause; empty when it is."""
    if key.startswith(("seg_", "grp_")):
        return f"a key has no prefix; write {shown(key[4:])}"
    if len(key) > MAXIMUM_KEY_LENGTH:
        return f"it has {len(key)} characters, and a key has {MAXIMUM_KEY_LENGTH} at most"
    if not _KEY.fullmatch(key):
        return (
            "a key has lower-case letters, digits and single underscores, and begins with a letter"
        )
    if key in RESERVED_KEYS:
        return f"the key is reserved: {RESERVED_KEYS[key]}"
    if key.endswith("_none"):
        return "keys that end in _none stand for customers in no member of a group"
    prefix = next((one for one in sorted(catalogue.group_prefixes) if key.startswith(one)), None)
    if prefix:
        return f"keys that begin with {prefix} are those of the exclusive group {prefix[:-1]}"
    return ""


@dataclass(frozen=True, order=True)
class Fault:
    """What does not fit between the files.

    Attributes:
        path: of the file, below the project; line: 1-based, 0 for the file as a whole.
        message: what is wrong, and what to do.
    """

    path: str
    line: int
    message: str

    @property
    def sentence(self) -> str:
        """The fault with its place."""
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.message}"


def catalogue_faults(catalogue: Catalogue) -> list[Fault]:
    """What does not fit between the files, which dbt would tell in its own way, or not at all."""
    return [
        *_duplicate_files(catalogue),
        *_bad_names(catalogue),
        *_list_faults(catalogue),
        *_cycles(catalogue),
        *_reads_of_what_is_off(catalogue),
    ]


def _duplicate_files(catalogue: Catalogue) -> Iterator[Fault]:
    by_name: dict[str, list[Path]] = {}
    for segment in catalogue.segments:
        by_name.setdefault(segment.key, []).append(segment.path)
    for key, paths in by_name.items():
        if len(paths) > 1:
            others = joined(path.as_posix() for path in [paths[0], *paths[2:]])
            yield Fault(
                paths[1].as_posix(),
                0,
                f"the key {shown(key)} is also that of {others}; give one file another name",
            )


def _bad_names(catalogue: Catalogue) -> Iterator[Fault]:
    for segment in catalogue.segments:
        fault = key_fault(segment.key, catalogue)
        if fault:
            path = SEGMENTS_FOLDER / segment.family / f"seg_{shown(segment.key)}.sql"
            yield Fault(
                path.as_posix(), 0, f"{fault}; rename the file and its line in {PROJECT_FILE}"
            )
        elif segment.key in catalogue.retired_keys:
            row = catalogue.retired_keys[segment.key]
            yield Fault(
                segment.path.as_posix(),
                0,
                f"the key {segment.key} was {row['change']} on {row['changed_on']} "
                f"({LINEAGE_SEED.as_posix()}), and its history stays its own; give the file "
                "another name",
            )


def _list_faults(catalogue: Catalogue) -> Iterator[Fault]:
    project_file = PROJECT_FILE.as_posix()
    lists = {name: catalogue.listed(name) for name in ("segments", "segments_off")}
    text = (catalogue.project / PROJECT_FILE).read_text(encoding="utf-8")
    lines = {name: _list_lines(text, name) for name in lists}
    for name, keys in lists.items():
        for key, count in Counter(keys).items():
            line = lines[name].get(key, 0)
            if count > 1:
                yield Fault(
                    project_file,
                    line,
                    f"{shown(key)} stands in vars.{name} {count} times; leave one of the lines",
                )
            if key not in catalogue.by_key:
                place = f"{project_file}:{line}" if line else project_file
                yield Fault(
                    f"models/segments/seg_{shown(key)}.sql",
                    0,
                    f"the file is missing but listed in {place}; write the file, or take the line "
                    f'"- {shown(key)}" out of vars.{name}',
                )
    for segment in catalogue.segments:
        listed = segment.key in lists["segments"] + lists["segments_off"]
        if not listed and not key_fault(segment.key, catalogue):
            yield Fault(
                segment.path.as_posix(),
                0,
                f'it is not listed; add the line "- {segment.key}" under vars.segments in '
                f"{project_file}",
            )
    for key in sorted(set(lists["segments"]) & set(lists["segments_off"])):
        yield Fault(
            project_file,
            lines["segments_off"].get(key, 0),
            f"{shown(key)} stands in vars.segments too; take out the line that does not hold",
        )


def _list_lines(text: str, name: str) -> dict[str, int]:
    """The last line of a list of vars that names each key, from 1."""
    node = find_node(text, ("vars", name))
    if not isinstance(node, yaml.SequenceNode):
        return {}
    return {str(item.value): item.start_mark.line + 1 for item in node.value}


def _cycles(catalogue: Catalogue) -> Iterator[Fault]:
    """Segments that are built on each other in a circle, each circle once."""
    reads = {
        segment.key: {model[4:]: line for model, line in segment.reads if model.startswith("seg_")}
        for segment in catalogue.segments
    }
    done: set[str] = set()
    for start in reads:
        circle = [] if start in done else _circle(start, reads, [], done)
        if circle:
            first, second = circle[0], circle[1 % len(circle)]
            yield Fault(
                catalogue.by_key[first].path.as_posix(),
                reads[first][second],
                f"segments are built on each other in a circle ("
                f"{' reads '.join([*circle, first])}); take one of these refs out",
            )


def _reads_of_what_is_off(catalogue: Catalogue) -> Iterator[Fault]:
    """Segments that are on and are built on one that is off, which dbt calls missing."""
    for segment in catalogue.segments:
        for model, line in segment.reads if segment.is_on else ():
            read = catalogue.by_key.get(model[4:]) if model.startswith("seg_") else None
            if read is not None and read.is_off:
                yield Fault(
                    segment.path.as_posix(),
                    line,
                    f'it is built on {read.key}, which is off; move the line "- {read.key}" from '
                    f"vars.segments_off to vars.segments in {PROJECT_FILE.as_posix()} too",
                )


def _circle(
    start: str, reads: Mapping[str, Mapping[str, int]], way: list[str], done: set[str]
) -> list[str]:
    """A circle that can be reached from a segment; a loop of its own, for chains of any length."""
    stack: list[tuple[str, Iterator[str]]] = [(start, iter(reads.get(start, {})))]
    way.append(start)
    while stack:
        key, rest = stack[-1]
        following = next(rest, None)
        if following is None:
            stack.pop()
            way.pop()
            done.add(key)
        elif following in way:
            circle = way[way.index(following) :]
            done.update(way)
            return circle
        elif following not in done and following in reads:
            way.append(following)
            stack.append((following, iter(reads[following])))
    return []


def joined(words: Iterable[str]) -> str:
    """Words as they stand in a sentence: one, one and two, one, two and three."""
    listed = list(words)
    return " and ".join([", ".join(listed[:-1]), listed[-1]] if len(listed) > 1 else listed)
