"""The contract file is read as it is written, and refused when it is not well formed."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.contract import did_you_mean, load_contract
from orchestration.errors import ClienteleError

MINIMAL = """
sources:
  - name: raw
    tables:
      - name: orders
        config: {{meta: {meta}}}
        columns:
          - {{name: order_id, data_type: {kind}, config: {{meta: {{required: true}}}}}}
          - {{name: line, data_type: int}}
  - name: run
    tables: []
"""


def write(folder: Path, *, meta: str = "{key: [order_id]}", kind: str = "string") -> Path:
    path = folder / "_sources.yml"
    path.write_text(MINIMAL.format(meta=meta, kind=kind), encoding="utf-8")
    return path


def test_the_projects_own_contract_is_read() -> None:
    contract = load_contract()

    lines = contract.entity("order_lines")
    assert lines.position_column == "line_number"
    assert lines.replaced_by == ("source_system", "order_id")
    assert lines.column("quantity").sql_type == "DECIMAL(18,4)"
    assert lines.column("quantity").required
    assert lines.column("ordered_at").event_time
    assert contract.entity("refunds").column("amount").minimum == 0
    assert contract.entity("customers").column("email").personal == "direct"
    assert contract.entity("orders").orders_by == "updated_at"
    assert {"source_files", "rejects"} <= contract.run_tables.keys()


def test_every_entity_may_carry_its_source_system() -> None:
    for entity in load_contract().entities:
        assert "source_system" in entity.column_names, entity.name


@pytest.mark.parametrize(
    ("meta", "kind", "told"),
    [
        ("{key: [ordr_id]}", "string", "'ordr_id', which is not declared"),
        ("{orders_by: updated_at}", "string", "'updated_at', which is not declared"),
        ("{key: [order_id]}", "float", "unknown type 'float'"),
        ("{key: [order_id, line], position_within: [line]}", "string", "position_within"),
        ("{required: maybe}", "string", "'required' must be"),
    ],
)
def test_a_malformed_contract_is_refused(tmp_path: Path, meta: str, kind: str, told: str) -> None:
    with pytest.raises(ClienteleError, match=told):
        load_contract(write(tmp_path, meta=meta, kind=kind))


def test_a_missing_or_broken_file_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ClienteleError, match="cannot be read"):
        load_contract(tmp_path / "_sources.yml")
    (tmp_path / "_sources.yml").write_text("sources:\n  - {name: raw", encoding="utf-8")
    with pytest.raises(ClienteleError, match=r"line 2.*not valid YAML"):
        load_contract(tmp_path / "_sources.yml")


def test_a_new_entity_needs_only_yaml(tmp_path: Path) -> None:
    path = tmp_path / "_sources.yml"
    path.write_text(
        MINIMAL.format(meta="{key: [order_id], key_if_given: true}", kind="bigint"),
        encoding="utf-8",
    )

    entity = load_contract(path).entity("orders")

    assert entity.key_if_given
    assert entity.column("order_id").sql_type == "BIGINT"


def test_the_nearest_word_is_suggested() -> None:
    assert did_you_mean("Order", ["orders", "refunds"]) == "did you mean 'orders'?"
    assert did_you_mean("zzz", ["orders", "refunds"]) == "expected one of: orders, refunds"
