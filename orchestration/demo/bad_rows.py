"""Rows that must end in quarantine, one of every kind, in files of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from orchestration.demo.truth import BadRow

# By entity: the header, and every row with what is wrong in it. The day is one of the history.
_ROWS: Final[dict[str, tuple[str, tuple[tuple[str, str], ...]]]] = {
    "orders": (
        "order_id,ordered_at,customer_ref,net_amount,status,currency",
        (
            ("letters in an amount", "BAD-1,{day}T10:00:00,C000001,abc,paid,EUR"),
            ("not a number", "BAD-2,{day}T10:00:00,C000001,NaN,paid,EUR"),
            ("infinity", "BAD-3,{day}T10:00:00,C000001,inf,paid,EUR"),
            ("larger than a decimal holds", "BAD-4,{day}T10:00:00,C000001,1e400,paid,EUR"),
            ("decimal comma", 'BAD-5,{day}T10:00:00,C000001,"1.234,56",paid,EUR'),
            ("currency sign", "BAD-6,{day}T10:00:00,C000001,€12.00,paid,EUR"),
            ("no amount", "BAD-7,{day}T10:00:00,C000001,,paid,EUR"),
            ("no id", ",{day}T10:00:00,C000001,12.00,paid,EUR"),
            ("blank id", "   ,{day}T10:00:00,C000001,12.00,paid,EUR"),
            ("31 February", "BAD-10,2025-02-31T10:00:00,C000001,12.00,paid,EUR"),
            ("another order of date", "BAD-11,31/12/2025,C000001,12.00,paid,EUR"),
            ("the year 1", "BAD-12,0001-01-01T00:00:00,C000001,12.00,paid,EUR"),
            ("before the business", "BAD-13,1970-01-01T00:00:00,C000001,12.00,paid,EUR"),
            ("unknown status", "BAD-14,{day}T10:00:00,C000001,12.00,lost,EUR"),
            ("a field too many", "BAD-16,{day}T10:00:00,C000001,12.00,paid,EUR,more"),
        ),
    ),
    "order_lines": (
        "order_id,line_number,product_id,quantity,unit_price",
        (
            ("letters in a quantity", "BAD-20,1,BN-101,two,8.50"),
            ("no product", "BAD-21,1,,1,8.50"),
        ),
    ),
    "refunds": (
        "refund_id,refunded_at,amount",
        (("no moment", "BAD-30,,5.00"), ("letters in an amount", "BAD-31,{day}T10:00:00,five")),
    ),
    "customers": (
        "customer_ref,created_at,household_size",
        (("no reference", ",{day}T10:00:00,2"), ("not a count", "BAD-40,{day}T10:00:00,many")),
    ),
    "web_events": (
        "event_id,occurred_at,event_name,properties",
        (
            ("no name", "BAD-50,{day}T10:00:00,,"),
            ("no JSON", "BAD-51,{day}T10:00:00,page_view,{{roast"),
        ),
    ),
    "message_events": (
        "event_id,occurred_at,event_name,channel",
        (
            ("unknown channel", "BAD-60,{day}T10:00:00,sent,pigeon"),
            ("unknown event", "BAD-61,{day}T10:00:00,eaten,email"),
        ),
    ),
    "consents": (
        "changed_at,purpose,granted,customer_ref,email",
        (
            ("neither reference nor e-mail", "{day}T10:00:00,marketing,true,,"),
            ("neither yes nor no", "{day}T10:00:00,marketing,perhaps,C000001,"),
        ),
    ),
}


def write_bad_rows(folder: Path, day: str) -> list[BadRow]:
    """Write the files; `day` is an ISO date on which everything else about a row is right."""
    found = []
    for entity, (header, rows) in _ROWS.items():
        name = f"{entity}/{entity}-bad.csv"
        lines = [header, *(row.format(day=day) for _, row in rows)]
        (folder / entity).mkdir(exist_ok=True)
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
        found += [BadRow(entity, name, line, kind) for line, (kind, _) in enumerate(rows, start=2)]
    return found
