"""`clientele map`: what the headers and values of an unknown export tell, and what they do not."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import tempfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.cli import main
from orchestration.contract import load_contract
from orchestration.errors import ClienteleError
from orchestration.ingest import create_raw_views, ingest
from orchestration.mapping import Mapping, load_mapping
from orchestration.mapping_proposal import Proposal, propose_mapping
from orchestration.mapping_synonyms import CONSTANTS, SYNONYMS

REPOSITORY = Path(__file__).parents[2]
CONTRACT = load_contract()


def proposed(landing: Path, name: str, entity: str | None = None) -> tuple[Proposal, Mapping]:
    """The proposal for a file of a landing folder, and what it says when it is loaded."""
    proposal = propose_mapping(landing / name, CONTRACT, landing=landing, entity=entity)
    return proposal, loaded(proposal)


def loaded(proposal: Proposal) -> Mapping:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mapping.yml"
        path.write_text(proposal.text, encoding="utf-8")
        return load_mapping(path, CONTRACT)


def columns(mapping: Mapping) -> dict[str, str]:
    (block,) = mapping.blocks
    return {name: sql.text for name, sql in block.columns.items()}


def written(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "landing" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding=encoding, newline="")
    return folder / "landing"


# --- the exports of the tools -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("example", "name", "entity", "expected"),
    [
        (
            "shopify",
            "shopify/orders_export_1.csv",
            "orders",
            {"order_id": "Name", "ordered_at": "Created at", "net_amount": "Subtotal"},
        ),
        (
            "shopify",
            "shopify/customers_export.csv",
            "customers",
            {"email": "Email", "first_name": "First Name", "city": "Default Address City"},
        ),
        (
            "woocommerce",
            "woocommerce/order_export_2025-05-01-09-00-00.csv",
            "orders",
            {"order_id": "order_id", "net_amount": "order_subtotal", "email": "customer_email"},
        ),
        (
            "spreadsheet",
            "spreadsheet/commandes.csv",
            "orders",
            {"order_id": "N° commande", "ordered_at": "Date", "currency": "'EUR'"},
        ),
        (
            "hubspot",
            "hubspot/hubspot-crm-exports-all-contacts-2025-06-01.csv",
            "customers",
            {"customer_ref": "Record ID", "created_at": "Create Date", "country": "Country/Region"},
        ),
        ("nps", "nps/nps_2025.csv", "survey_responses", {"score": "Score", "answer": "Comment"}),
        ("zendesk", "zendesk/tickets.jsonl", "support_tickets", {"opened_at": "created_at"}),
        (
            "google_ads",
            "google_ads/Campaign report.csv",
            "marketing_spend",
            {"spend_date": "Day", "campaign_id": "Campaign ID", "currency": "Currency code"},
        ),
        (
            "meta_ads",
            "meta_ads/Example-Ads-Campaigns-1-Mar-2025-3-Mar-2025.csv",
            "marketing_spend",
            {"spend_date": "Day", "amount": "Amount spent (GBP)", "currency": "'GBP'"},
        ),
        ("stripe", "fx_rates/fx_rates.csv", "fx_rates", {"rate_to_reporting": "rate_to_reporting"}),
        (
            "square",
            "square/transactions-2025-03-01-2025-04-01.csv",
            "orders",
            {"order_id": "Transaction ID", "customer_ref": "Customer ID"},
        ),
    ],
)
def test_the_export_of_a_tool_is_recognised(
    example: str, name: str, entity: str, expected: dict[str, str]
) -> None:
    proposal, mapping = proposed(REPOSITORY / "examples" / example / "landing", name)
    assert proposal.entity == entity
    found = columns(mapping)
    assert {column: found.get(column) for column in expected} == expected
    assert proposal.mapped <= proposal.headers


def test_what_a_spreadsheet_is_is_declared_or_asked() -> None:
    landing = REPOSITORY / "examples/spreadsheet/landing"
    proposal, mapping = proposed(landing, "spreadsheet/commandes.csv")
    (block,) = mapping.blocks
    assert (block.delimiter, block.encoding, block.time_format) == (";", "cp1252", "%d/%m/%Y")
    assert "# ? encoding: the file is not UTF-8" in proposal.text
    assert "not mapped: Remarque" in proposal.text


def test_lines_above_the_header_are_skipped() -> None:
    landing = REPOSITORY / "examples/google_ads/landing"
    _, mapping = proposed(landing, "google_ads/Campaign report.csv")
    assert mapping.blocks[0].skip_lines == 2


# --- what is proposed works -------------------------------------------------------------------

_LEDGER = (
    "Bestellnummer;Datum;Kundennummer;E-Mail;Nettobetrag;Status;Notiz\r\n"
    "A-1;31.01.2025 09:30;'007;ada@example.com;1.234,50 €;abgeschlossen;Ruf an\r\n"
    "A-2;01.02.2025 10:00;'008;bea@example.com;12,00 €;storniert;\r\n"
    "A-3;02.02.2025 11:15;'007;;-7,25 €;bezahlt;\r\n"
)


def test_a_ledger_of_an_unknown_tool_comes_in_to_the_cent(tmp_path: Path) -> None:
    landing = written(tmp_path, "kasse/export 2025-02.csv", _LEDGER)
    proposal, mapping = proposed(landing, "kasse/export 2025-02.csv")
    assert mapping.blocks[0].files == "kasse/export *.csv"
    result = ingest(
        landing=landing,
        warehouse=tmp_path / "warehouse",
        mapping=mapping,
        contract=CONTRACT,
        known=(),
        run_id="proposal",
        loaded_at=dt.datetime(2025, 3, 1, tzinfo=dt.UTC),
        progress=lambda _: None,
    )
    (file,) = result.files
    assert (file.line_count, file.accepted_rows) == (3, 3)
    with duckdb.connect() as connection:
        create_raw_views(
            connection,
            contract=CONTRACT,
            warehouse=tmp_path / "warehouse",
            batches=result.batches,
            files=result.files,
        )
        rows = connection.execute(
            "select order_id, cast(ordered_at as varchar), customer_ref,"
            " cast(net_amount as varchar), status, currency from raw.orders order by order_id"
        ).fetchall()
    assert rows == [
        ("A-1", "2025-01-31 09:30:00", "007", "1234.5000", "completed", "EUR"),
        ("A-2", "2025-02-01 10:00:00", "008", "12.0000", "cancelled", "EUR"),
        ("A-3", "2025-02-02 11:15:00", "007", "-7.2500", "paid", "EUR"),
    ]
    assert "not mapped: Notiz" in proposal.text


@pytest.mark.parametrize("entity", CONTRACT.entity_names)
def test_a_file_with_the_names_of_the_contract_is_mapped_name_by_name(
    tmp_path: Path, entity: str
) -> None:
    names = [column.name for column in CONTRACT.entity(entity).columns if column.e164_of is None]
    landing = written(tmp_path, f"{entity}/{entity}.csv", ",".join(names) + "\n")
    proposal, mapping = proposed(landing, f"{entity}/{entity}.csv")
    assert proposal.entity == entity
    assert columns(mapping) == {name: name for name in names}
    assert "a header only" in proposal.text


def test_synonyms_are_of_columns_that_exist_and_normalised() -> None:
    for entity, found in SYNONYMS.items():
        known = {column.name for column in CONTRACT.entity(entity).columns}
        assert set(found) <= known, entity
        for column, words in found.items():
            assert len(words) == len(set(words)), (entity, column)
            assert all(" ".join(word.lower().split()) == word for word in words)
    for entity, column in CONSTANTS:
        assert CONTRACT.entity(entity).column(column).required


# --- what the values do not tell --------------------------------------------------------------


def test_days_and_months_that_could_be_either_are_asked(tmp_path: Path) -> None:
    text = "order_id,Order date,net_amount\nA1,01/02/2025,5\nA2,03/04/2025,6\n"
    proposal, mapping = proposed(written(tmp_path, "orders.csv", text), "orders.csv")
    assert mapping.blocks[0].time_format is None
    assert '# ? time_format: "%d/%m/%Y"    day first' in proposal.text
    assert '# ? time_format: "%m/%d/%Y"    month first' in proposal.text


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("13/02/2025", "03/04/2025", "%d/%m/%Y"),
        ("02/13/2025", "03/04/2025", "%m/%d/%Y"),
        ("3.4.25", "28.12.25", "%d.%m.%y"),
        ("02/28/2025 1:30 PM", "03/04/2025 11:00 AM", "%m/%d/%Y %I:%M %p"),
        ("May 3, 2025", "May 14, 2025", "%B %d, %Y"),
        ("2025-05-03", "2025-05-14T10:00:00Z", None),
    ],
)
def test_a_value_that_tells_is_enough(
    tmp_path: Path, first: str, second: str, told: str | None
) -> None:
    text = f'order_id,Order date,net_amount\nA1,"{first}",5\nA2,"{second}",6\n'
    proposal, mapping = proposed(written(tmp_path, "orders.csv", text), "orders.csv")
    assert mapping.blocks[0].time_format == told
    assert "# ? time_format" not in proposal.text


def test_two_ways_of_writing_times_are_asked(tmp_path: Path) -> None:
    text = (
        "order_id,ordered_at,updated_at,net_amount\n"
        "A1,13/02/2025,2025-02-14T10:00:00,5\nA2,14/02/2025,2025-02-15T10:00:00,5\n"
    )
    proposal, _ = proposed(written(tmp_path, "orders.csv", text), "orders.csv")
    assert "do not all write times in one way" in proposal.text


def test_an_amount_that_could_be_a_thousand_is_asked(tmp_path: Path) -> None:
    text = 'order_id,ordered_at,net_amount\nA1,2025-01-01,"1,234"\nA2,2025-01-02,"2,345"\n'
    proposal, mapping = proposed(written(tmp_path, "orders.csv", text), "orders.csv")
    assert columns(mapping)["net_amount"] == "net_amount"
    assert "# ? net_amount: no value tells whether 1.234 or 1,234" in proposal.text

    text = 'order_id,ordered_at,net_amount\nA1,2025-01-01,"1.5"\nA2,2025-01-02,"2,5"\n'
    proposal, _ = proposed(written(tmp_path, "both/orders.csv", text), "both/orders.csv")
    assert "some values have a decimal point and others a decimal comma" in proposal.text


@pytest.mark.parametrize(
    ("later", "read"),
    [("1.234", "1234.0000"), ("0.125", "0.1250"), ("1.234.567,8", "1234567.8000")],
)
def test_what_only_comes_later_is_read_as_the_sample_is_written(
    tmp_path: Path, later: str, read: str
) -> None:
    text = "order_id;ordered_at;net_amount\nA1;2025-01-01;12,50\n"
    _, mapping = proposed(written(tmp_path, "orders.csv", text), "orders.csv")
    expression = columns(mapping)["net_amount"]
    found = duckdb.execute(
        f"select cast({expression} as decimal(18, 4))::varchar from (select ? as net_amount)",
        [later],
    ).fetchall()
    assert found == [(read,)]


def test_a_dollar_is_not_taken_for_one_country_s(tmp_path: Path) -> None:
    text = "order_id,ordered_at,net_amount\nA1,2025-01-01,$5.00\n"
    proposal, mapping = proposed(written(tmp_path, "orders.csv", text), "orders.csv")
    assert "currency" not in columns(mapping)
    assert "# ? currency: the amounts are marked with $" in proposal.text


def test_words_that_nobody_knows_are_asked(tmp_path: Path) -> None:
    text = "order_id,ordered_at,net_amount,status\nA1,2025-01-01,5,Fulfilled\nA2,2025-01-01,5,Xyz\n"
    proposal, mapping = proposed(written(tmp_path, "orders.csv", text), "orders.csv")
    assert "when lower(\"status\") in ('fulfilled') then 'completed'" in columns(mapping)["status"]
    assert "# ? status: 1 other value; it takes placed, paid" in proposal.text


def test_a_file_that_could_be_two_things_is_asked_about(tmp_path: Path) -> None:
    landing = written(tmp_path, "x.csv", "id,date,foo\n1,2025-01-01,2\n")
    with pytest.raises(ClienteleError, match=r"x\.csv: .*say it with --entity"):
        propose_mapping(landing / "x.csv", CONTRACT, landing=landing)
    proposal, mapping = proposed(landing, "x.csv", "leads")
    assert columns(mapping) == {"lead_id": "id", "created_at": "date"}
    assert proposal.entity == "leads"


def test_no_value_of_a_person_is_written(tmp_path: Path) -> None:
    canary = "Zebulon"
    text = (
        "Name,E-Mail,Phone,Date,Betrag,Status,Customer\n"
        f'{canary}1,{canary}@example.com,\'{canary},01/02/2025,"1,234",{canary}9,{canary}\n'
    )
    landing = written(tmp_path, "orders.csv", text)
    assert canary not in proposed(landing, "orders.csv")[0].text
    for entity in CONTRACT.entity_names:
        assert canary not in proposed(landing, "orders.csv", entity)[0].text


# --- any file ---------------------------------------------------------------------------------


def test_text_in_other_encodings_packed_and_typed_is_read(tmp_path: Path) -> None:
    text = "order_id\tordered_at\tnet_amount\nÄ1\t2025-01-01\t5\n"
    landing = written(tmp_path, "orders.tsv", text, "utf-16")
    _, mapping = proposed(landing, "orders.tsv")
    assert mapping.blocks[0].encoding is None
    (landing / "orders.csv.gz").write_bytes(gzip.compress(b"order_id,ordered_at,net_amount\n"))
    assert proposed(landing, "orders.csv.gz")[0].entity == "orders"
    duckdb.sql('select \'A1\' as "Order ID", now() as "Order date", 5.0 as Total').write_parquet(
        str(landing / "sales.parquet")
    )
    proposal, mapping = proposed(landing, "sales.parquet")
    assert proposal.entity == "orders"
    assert columns(mapping) == {
        "order_id": "Order ID",
        "ordered_at": "Order date",
        "net_amount": "Total",
    }


def test_a_large_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    landing = written(tmp_path, "orders.csv", "order_id,ordered_at,net_amount\n")
    with (landing / "orders.csv").open("ab") as stream:
        stream.write(b"A1,2025-01-01,5\n" * 100_000)
        stream.write(b"\xff\x00 not a text at all")
    assert proposed(landing, "orders.csv")[0].entity == "orders"


def test_a_file_elsewhere_says_where_to_put_it(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("order_id,ordered_at,net_amount\n")
    proposal = propose_mapping(tmp_path / "orders.csv", CONTRACT, landing=tmp_path / "landing")
    assert "put the file into the landing folder" in proposal.text
    assert loaded(proposal).blocks[0].files == "orders.csv"


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", b"", "the file is empty"),
        ("a.xlsx", b"PK", "files of this kind cannot be read"),
        ("a.csv", b"\x00\x01\x02", "it holds NUL bytes"),
        ("a.csv", b"order_id,Order_ID\n1,2\n", "two columns called 'order_id'"),
        ("a.csv", b"\n\n\n", "no header"),
        ("a.csv", b"7,ada@example.com,ada@example.com\n", "the first line looks like data"),
        ("a.jsonl", b"[1]\n2\n", "no line of the file is a JSON object"),
        ("a.parquet", b"PAR1 or not", "the file cannot be read"),
        ("a.csv.gz", b"no gzip", "the file cannot be read"),
        ("a.csv", b"x\n1\n", "nothing tells what the rows of this file are"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence(
    tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ClienteleError, match=sentence):
        propose_mapping(tmp_path / name, CONTRACT, landing=tmp_path)


def test_no_file_a_folder_and_an_unknown_entity_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ClienteleError, match="there is no such file"):
        propose_mapping(tmp_path / "no.csv", CONTRACT, landing=tmp_path)
    with pytest.raises(ClienteleError, match="this is a folder"):
        propose_mapping(tmp_path, CONTRACT, landing=tmp_path)
    with pytest.raises(ClienteleError, match=r"no entity 'ordres'.*did you mean 'orders'"):
        propose_mapping(tmp_path / "no.csv", CONTRACT, landing=tmp_path, entity="ordres")


_HEADERS = st.lists(
    st.one_of(
        st.sampled_from(["Name", "E-mail", "Date", "Total", "Status", "Phone", "id", "Amount ($)"]),
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(headers=_HEADERS, entity=st.sampled_from(CONTRACT.entity_names), data=st.data())
def test_whatever_the_headers_the_proposal_is_a_mapping_or_a_sentence(
    headers: list[str], entity: str, data: st.DataObject
) -> None:
    values = st.sampled_from(
        ["", "1", "1.234,50 €", "$5", "01/02/2025", "yes", "'x", "done", 'a"b']
    )
    rows = data.draw(st.lists(st.tuples(*(values for _ in headers)), max_size=3))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orders.csv"
        with path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([headers, *rows])
        try:
            proposal = propose_mapping(path, CONTRACT, landing=Path(folder), entity=entity)
        except ClienteleError:
            return
        assert loaded(proposal).blocks[0].entity == entity


def test_the_verb_prints_a_mapping_and_says_what_to_do_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    landing = written(tmp_path, "till/sales.csv", _LEDGER)
    monkeypatch.setenv("CLIENTELE_LANDING", str(landing))
    assert main(["map", "till/sales.csv"]) == 0
    said = capsys.readouterr()
    (landing / "mapping.yml").write_text(said.out, encoding="utf-8")
    assert "6 of 7 columns were mapped to orders" in said.err
    assert "clientele check-mapping" in said.err
    monkeypatch.setenv("CLIENTELE_REST_SECONDS", "0")
    assert main(["check-mapping"]) == 0
    assert "3 lines: 3 accepted" in capsys.readouterr().out
    assert main(["map", "till/none.csv"]) == 1
    assert "there is no such file" in capsys.readouterr().err
