"""Changes to the files of the catalogue: line by line, so that comments and order stay.

Every edit of a YAML file is parsed again and compared with what was meant; a plan of changes is
written whole or not at all.

Does not belong here: which changes a verb makes (segment_verbs.py).
"""

from __future__ import annotations

import contextlib
import copy
import csv
import io
import re
import secrets
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from orchestration.errors import ClienteleError
from orchestration.segment_files import (
    CONTRACTS_FILE,
    LINEAGE_COLUMNS,
    LINEAGE_SEED,
    PROJECT_FILE,
    Contract,
    find_node,
    item_lines,
)
from orchestration.yaml_text import load_yaml

_PRIORITY_LISTS = "priority_lists"
# A contract may take the rows of another: `rows: &lines` here and `rows: *lines` there.
_ANCHOR = re.compile(r": &(\w+)\s*$")
_ALIAS = re.compile(r"(?P<head>\s*(?:- )?\w+:) \*(?P<name>\w+)\s*")
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
MAXIMUM_REASON_LENGTH = 500
"""Some sentences. What takes more is a document, and the reason names it."""
MAXIMUM_NAME_LENGTH = 100
_CONTRACTS_HEAD = """version: 2

# Who is in on the edge, and who is just out.
unit_tests:
"""


@dataclass
class Plan:
    """Changes to the files of a project that are not written yet.

    Attributes:
        project: the folder of dbt_project.yml.
        texts: the new text of each changed file, in the order in which they are put in place; None
            for one that goes.
    """

    project: Path
    texts: dict[Path, str | None] = field(default_factory=dict)

    def read(self, path: Path) -> str:
        """A file as it will be; empty where there is none."""
        if path in self.texts:
            return self.texts[path] or ""
        file = self.project / path
        return file.read_text(encoding="utf-8") if file.exists() else ""

    def write(self, path: Path, text: str) -> None:
        """Give a file another text; an absolute path may lie outside the project."""
        self.texts[path] = text

    def remove(self, path: Path) -> None:
        """Take a file away."""
        self.texts[path] = None

    def apply(self, verify: Callable[[], None] | None = None) -> None:
        """Write everything, or nothing.

        Args:
            verify: called when all is written; when it raises, everything is as before.

        Raises:
            ClienteleError: a file cannot be written.
        """
        before = {
            path: (self.project / path).read_bytes() if (self.project / path).exists() else None
            for path in self.texts
        }
        try:
            for path, text in self.texts.items():
                _put(self.project / path, None if text is None else text.encode("utf-8"))
            if verify is not None:
                verify()
        except BaseException as error:
            for path, old in before.items():
                _put(self.project / path, old)
            self._drop_empty_folders()
            if isinstance(error, OSError):
                raise ClienteleError(
                    f"the files cannot be written ({error.strerror}), and all are as before",
                    where=str(error.filename or self.project),
                    remedy="make the folder writable",
                ) from error
            raise
        self._drop_empty_folders()

    def _drop_empty_folders(self) -> None:
        for path in self.texts:
            with contextlib.suppress(OSError):
                (self.project / path).parent.rmdir()  # refused unless it is empty


def _put(file: Path, content: bytes | None) -> None:
    if content is None:
        # Nor is it there where a file stands in the place of its folder.
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            file.unlink()
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        beside.write_bytes(content)
        if file.exists():
            beside.chmod(file.stat().st_mode & 0o777)
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)


# Lists in dbt_project.yml ------------------------------------------------------------------------


def change_list(
    plan: Plan,
    keys: Sequence[str],
    *,
    take: Mapping[str, Sequence[str]] | None = None,
    add: Sequence[str] = (),
) -> None:
    """Change a list of plain words in dbt_project.yml.

    Args:
        plan: what is changed.
        keys: the way to the list, such as vars, segments.
        take: words that go, each with the words that take its place.
        add: words that come at the end.

    Raises:
        ClienteleError: the list is not there, or is written in a way that cannot be edited.
    """
    take = take or {}
    text = plan.read(PROJECT_FILE)
    where = f"{PROJECT_FILE.as_posix()}, {'.'.join(keys)}"
    node = find_node(text, keys)
    if isinstance(node, yaml.ScalarNode) and node.value in ("", "null", "~"):
        items: list[str] = []
    elif isinstance(node, yaml.SequenceNode):
        items = [str(item.value) for item in node.value]
    else:
        raise ClienteleError("there is no such list", where=where, remedy=f"add `{keys[-1]}: []`")
    wanted = [new for item in items for new in take.get(item, [item])] + list(add)
    if wanted == items:
        return
    rows = text.splitlines(keepends=True)
    if not items or getattr(node, "flow_style", False) or not wanted:
        changed = _rewrite_list(rows, text, keys, node, wanted)
    else:
        changed = _edit_list(rows, item_lines(text, keys), items, take, add)
    _verify(text, changed, keys, wanted, where)
    plan.write(PROJECT_FILE, changed)


def _edit_list(
    rows: list[str],
    lines: Sequence[tuple[int, int]],
    items: Sequence[str],
    take: Mapping[str, Sequence[str]],
    add: Sequence[str],
) -> str:
    """Edit a list that has a line per item; comments stay where they are."""
    out = list(rows)
    last = lines[-1][0]
    indent = out[last][: len(out[last]) - len(out[last].lstrip())]
    if not out[last].endswith("\n"):
        out[last] += "\n"
    out[last] += "".join(f"{indent}- {word}\n" for word in add)
    for item, (first, _) in zip(items, lines, strict=True):
        if item in take:
            line, newline, rest = out[first].partition("\n")
            words = take[item]
            dash = re.compile(rf"^(\s*-\s+)(['\"]?){re.escape(item)}\2(?=\s|$)")
            kept = [dash.sub(rf"\g<1>{word}", line) for word in words]
            out[first] = "".join(f"{one}{newline or chr(10)}" for one in kept) + rest
    return "".join(out)


def _rewrite_list(
    rows: list[str], text: str, keys: Sequence[str], node: yaml.Node, wanted: Sequence[str]
) -> str:
    """Write a list anew that is empty, becomes empty, or stands in brackets."""
    parent = find_node(text, keys[:-1])
    assert isinstance(parent, yaml.MappingNode)
    name = next(name for name, _ in parent.value if name.value == keys[-1])
    indent = " " * name.start_mark.column
    head = f"{indent}{keys[-1]}:"
    new = (
        "".join([f"{head}\n", *(f"{indent}  - {word}\n" for word in wanted)])
        if wanted
        else f"{head} []\n"
    )
    first = name.start_mark.line
    in_lines = isinstance(node, yaml.SequenceNode) and not node.flow_style
    last = item_lines(text, keys)[-1][1] if in_lines else node.end_mark.line + 1
    return "".join([*rows[:first], new, *rows[last:]])


def _verify(
    before: str, after: str, keys: Sequence[str], wanted: Sequence[str], where: str
) -> None:
    """See to it that an edit changed what was meant, and nothing else."""
    meant = copy.deepcopy(load_yaml(before))
    place = meant
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = list(wanted)
    try:
        found = load_yaml(after)
    except yaml.YAMLError:
        found = None
    if found != meant:
        raise ClienteleError(
            "the list is written in a way that cannot be edited safely, and nothing was changed",
            where=where,
            remedy="write it with one `- word` per line",
        )


def list_keys(name: str) -> tuple[str, str]:
    """The way to a list of vars."""
    return ("vars", name)


def priority_list_keys(name: str) -> tuple[str, str, str]:
    """The way to a priority list."""
    return ("vars", _PRIORITY_LISTS, name)


# Contracts ---------------------------------------------------------------------------------------


def contract_text(plan: Plan, contract: Contract) -> str:
    """A contract as it may stand anywhere: what it takes from other contracts is written out."""
    rows = plan.read(contract.path).splitlines()
    out: list[str] = []
    for row in rows[contract.first : contract.last]:
        alias = _ALIAS.fullmatch(row)
        if alias:
            out += [alias["head"], *_anchored(rows, alias["name"], alias["head"])]
        else:
            out.append(_ANCHOR.sub(":", row))
    return "\n".join(out) + "\n"


def _anchored(rows: Sequence[str], name: str, head: str) -> list[str]:
    """The lines below `&name`, as far in as below another head."""
    for number, row in enumerate(rows):
        if re.search(rf": &{re.escape(name)}\s*$", row):
            own = _depth(row)
            lines = []
            for following in rows[number + 1 :]:
                if following.strip() and _depth(following) <= own:
                    break
                if following.strip():
                    lines.append(following)
            shift = _depth(head) - own
            return [" " * max(_depth(line) + shift, 0) + line.lstrip() for line in lines]
    return []


def _depth(row: str) -> int:
    return len(row) - len(row.lstrip())


def _with_anchors_moved(block: list[str], rows: Sequence[str], gone: set[str]) -> list[str]:
    """Give the first contract that takes rows from one that goes those rows, for all others too.

    Args:
        block: the lines of a contract that stays.
        rows: of the whole file as it was.
        gone: anchors that go; those found here are taken out of it.
    """
    out: list[str] = []
    for row in block:
        alias = _ALIAS.fullmatch(row)
        if alias and alias["name"] in gone:
            gone.remove(alias["name"])
            out += [
                f"{alias['head']} &{alias['name']}",
                *_anchored(rows, alias["name"], alias["head"]),
            ]
        else:
            out.append(row)
    return out


def remove_contracts(plan: Plan, contracts: Sequence[Contract]) -> None:
    """Take contracts out of their files; a file without any goes."""
    for path in {contract.path for contract in contracts}:
        gone = {contract.name for contract in contracts if contract.path == path}
        gone_models = {contract.model for contract in contracts if contract.path == path}
        text = plan.read(path)
        tests = load_yaml(text)["unit_tests"]
        lines = item_lines(text, ("unit_tests",))
        leaves = [test["name"] in gone and test["model"] in gone_models for test in tests]
        wanted = [test for test, leaving in zip(tests, leaves, strict=True) if not leaving]
        if not wanted:
            plan.remove(path)
            continue
        rows = text.splitlines()
        staying = [span for span, leaving in zip(lines, leaves, strict=True) if not leaving]
        blocks = [rows[first:last] for first, last in staying]
        gone_rows = [
            row
            for (first, last), leaving in zip(lines, leaves, strict=True)
            if leaving
            for row in rows[first:last]
        ]
        anchors = {match[1] for row in gone_rows for match in _ANCHOR.finditer(row)}
        blocks = [_with_anchors_moved(block, rows, anchors) for block in blocks]
        head = rows[: lines[0][0]]
        between = {
            span: rows[span[1] : (lines[number + 1][0] if number + 1 < len(lines) else len(rows))]
            for number, span in enumerate(lines)
        }
        out = list(head)
        for block, span in zip(blocks, staying, strict=True):
            out += [*block, *between[span]]
        while out and not out[-1].strip():
            out.pop()
        changed = "\n".join(out) + "\n"
        if load_yaml(changed)["unit_tests"] != wanted:
            raise ClienteleError(
                "the contracts are written in a way that cannot be edited safely, and nothing was "
                "changed",
                where=path.as_posix(),
                remedy="take the contracts of the segment out by hand, and call again",
            )
        plan.write(path, changed)


def add_contracts(plan: Plan, family: Path, blocks: Sequence[str]) -> Path:
    """Write contracts at the end of the file of a family; the path of that file."""
    path = family / CONTRACTS_FILE
    text = plan.read(path).rstrip("\n")
    there = find_node(text, ("unit_tests",)) if text else None
    if isinstance(there, yaml.SequenceNode) and there.value:
        # The dash of an item stands two places before its first key.
        indent, start = " " * (there.value[0].start_mark.column - 2), f"{text}\n\n"
    elif not text:
        indent, start = "  ", _CONTRACTS_HEAD
    else:
        indent, start = "  ", f"{text}\n\nunit_tests:\n"
    moved = [textwrap.indent(textwrap.dedent(block), indent).rstrip("\n") for block in blocks]
    plan.write(path, start + "\n\n".join(moved) + "\n")
    return path


# Seeds -------------------------------------------------------------------------------------------


def add_lineage(plan: Plan, rows: Sequence[Sequence[str]]) -> None:
    """Add rows to the lineage."""
    add_seed_rows(plan, LINEAGE_SEED, LINEAGE_COLUMNS, rows)


def add_seed_rows(
    plan: Plan, path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    """Add rows at the end of a seed, which is made where it is not there.

    Args:
        plan: what is changed.
        path: of the seed, below the project.
        columns: in the order of the values of a row; in the file they may stand in another.
        rows: the new rows.

    Raises:
        ClienteleError: the seed lacks one of the columns.
    """
    text = plan.read(path) or _csv_line(columns) + "\n"
    if not text.endswith("\n"):
        text += "\n"
    head = next(csv.reader(io.StringIO(text)))
    missing = [name for name in columns if name not in head]
    if missing:
        raise ClienteleError(
            f"it has no column {missing[0]}",
            where=path.as_posix(),
            remedy=f"begin it with the line {_csv_line(columns)}",
        )
    by_name = [dict(zip(columns, row, strict=True)) for row in rows]
    lines = [_csv_line([row.get(name, "") for name in head]) for row in by_name]
    plan.write(path, text + "".join(f"{line}\n" for line in lines))


def log_text(text: str, option: str, remedy: str, longest: int) -> str:
    """A text that may stand in a seed that is published: on one line, not endless, about nobody.

    Args:
        text: what was given.
        option: by which, for the sentence.
        remedy: what to do where it is empty.
        longest: how many characters it may have.

    Raises:
        ClienteleError: it is empty, not on one line, too long, or holds an e-mail address.
    """
    clean = text.strip()
    if not clean:
        raise ClienteleError("it is empty", where=option, remedy=remedy)
    if not clean.isprintable():
        raise ClienteleError(
            "it holds a line break or another character that is not printed",
            where=option,
            remedy="write it on one line",
        )
    if len(clean) > longest:
        raise ClienteleError(
            f"it has {len(clean)} characters, and {longest} are the most",
            where=option,
            remedy="shorten it, and name the document that has the rest",
        )
    if _ADDRESS.search(clean):
        raise ClienteleError(
            "it holds an e-mail address, and what is written here is published",
            where=option,
            remedy="name a role or a team instead",
        )
    return clean


def change_seed_keys(plan: Plan, path: Path, key: str, new_key: str | None) -> int:
    """Rename the key in the segment_key column of a seed, or take its rows out; how many rows.

    Rows stay as they are written; one that spans several lines is written anew.
    """
    text = plan.read(path)
    rows = list(csv.reader(io.StringIO(text)))
    column = rows[0].index("segment_key")
    touched = [row for row in rows[1:] if len(row) > column and row[column] == key]
    if not touched:
        return 0
    lines = text.splitlines()
    out: list[str] = []
    for row, line in zip(rows, lines, strict=True) if len(rows) == len(lines) else _anew(rows):
        if row not in touched:
            out.append(line)
        elif new_key is not None:
            renamed = [new_key if place == column else value for place, value in enumerate(row)]
            out.append(_csv_line(renamed))
    plan.write(path, "\n".join(out) + "\n")
    return len(touched)


def _anew(rows: list[list[str]]) -> list[tuple[list[str], str]]:
    return [(row, _csv_line(row)) for row in rows]


def _csv_line(row: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(row)
    return out.getvalue()


def seeds_with_segments(project: Path) -> list[Path]:
    """The seeds, below the project, that say something per segment_key; not the lineage."""
    return [
        path.relative_to(project)
        for path in sorted((project / "seeds").rglob("*.csv"))
        if path.relative_to(project) != LINEAGE_SEED
        and "segment_key" in path.read_text(encoding="utf-8").partition("\n")[0].strip().split(",")
    ]
