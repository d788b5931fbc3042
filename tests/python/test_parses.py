"""A parse that is lent is one that dbt takes; else every test would parse anew, unnoticed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgpack
from parses import Parses, hash_of_connection, hash_of_variables
from pipeline import PROJECT


def state_check(parse: Path) -> dict[str, str]:
    """The hashes by which dbt tells whether a kept parse still holds."""
    kept = msgpack.unpackb(parse.read_bytes(), strict_map_key=False)["state_check"]
    return {name: kept[name]["checksum"] for name in ("profile_hash", "vars_hash")}


def test_hashes_are_those_of_dbt(compiled_manifest: dict[str, Any], parses: Parses) -> None:
    """dbt writes its own over those of a parse that it does not take."""
    assert compiled_manifest["nodes"]
    # Of another worker's a file may be half written until it is ready.
    ready = [path.parent for path in parses.folder.parent.glob("compiled-*/ready")]
    checks = {folder: state_check(folder / "dbt" / "partial_parse.msgpack") for folder in ready}
    assert {folder: check["profile_hash"] for folder, check in checks.items()} == {
        folder: hash_of_connection(PROJECT, folder) for folder in checks
    }
    assert hash_of_variables({}) in {check["vars_hash"] for check in checks.values()}


def test_a_borrower_gets_a_parse_of_its_own_place(
    compiled_manifest: dict[str, Any], parses: Parses, tmp_path: Path
) -> None:
    assert compiled_manifest["nodes"]
    copy, target = tmp_path / "copy", tmp_path / "dbt"
    copy.mkdir()
    (copy / "profiles.yml").write_bytes((PROJECT / "profiles.yml").read_bytes())

    assert not parses.lend(target, copy, tmp_path, {"nobody": "parsed this"})
    assert not target.exists()
    assert parses.lend(target, copy, tmp_path, {"rfm_bins": 4}, parsed_with={})
    assert not parses.lend(target, copy, tmp_path, {}), "what is there is not written over"

    lent = target / "partial_parse.msgpack"
    assert state_check(lent) == {
        "profile_hash": hash_of_connection(copy, tmp_path),
        "vars_hash": hash_of_variables({"rfm_bins": 4}),
    }
    parse = msgpack.unpackb(lent.read_bytes(), strict_map_key=False)
    roots = {node["root_path"] for node in parse["nodes"].values() if node.get("root_path")}
    assert roots == {str(copy)}
