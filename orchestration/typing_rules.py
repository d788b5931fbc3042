"""From what stood in a file to the types of the contract: the rules, as SQL.

Belongs here: one pair of SQL expressions per column, its value (NULL when it cannot be one) and
its fault (NULL when there is none), for texts and for typed sources such as Parquet. Does not
belong here: running them (``ingest``), cleaning or business meaning (staging): a value is taken
or refused, never repaired.

The SQL is DuckDB's, for ingestion always runs there, in a session whose time zone is UTC. A
fault never holds the value.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final

from orchestration.contract import Column
from orchestration.database import literal

MISSING: Final = "missing required value"
NOT_ACCEPTED: Final = "not one of the accepted values"
BEFORE_START: Final = "before the declared start of the business"
BEFORE_ANY_START: Final = "before 1971: a placeholder, or the business must declare its start"
IN_THE_FUTURE: Final = "implausible: more than a day after it was loaded"
AFTER_LOAD: Final = "after the day on which it was loaded"
NOT_JSON: Final = "not JSON"
NEGATIVE_ZERO: Final = "negative zero"
OUT_OF_RANGE: Final = "number out of range"

#: Without a declared start, 1970 is what a zero or a wrong unit of a clock looks like.
FIRST_YEAR: Final = dt.date(1971, 1, 1)

#: Trimmed from both ends of a text: ASCII white space, no-break space, byte order mark.
_SPACES: Final = "' \t\r\n\v\f\u00a0\ufeff'"
_DECIMAL: Final = r"[+-]?(\d+(\.\d*)?|\.\d+)"
_NEGATIVE_ZERO: Final = r"-(0+(\.0*)?|\.0+)"
_WHOLE: Final = r"[+-]?\d+"
_DATE: Final = r"\d{4}-\d{2}-\d{2}"
_CLOCK: Final = r"[T ]([01]\d|2[0-3]):\d{2}(:\d{2}(\.\d{1,9})?)?"
_OFFSET: Final = r"([Zz]|[+-](0\d|1[0-5])(:?[0-5]\d)?)"
_INTEGERS: Final = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?")
_SOURCE_DECIMAL: Final = re.compile(r"DECIMAL\(\d+,(\d+)\)")


@dataclass(frozen=True)
class Rules:
    """What the types depend on beside the value.

    Attributes:
        time_zone: business time zone; times without an offset are in it.
        started_on: first business date of the business, or None when not declared.
        loaded_at: UTC, naive.
        time_format: strptime format of dates and times, or None for ISO 8601.
        format_has_zone: whether that format reads an offset or zone.
    """

    time_zone: str
    started_on: dt.date | None
    loaded_at: dt.datetime
    time_format: str | None = None
    format_has_zone: bool = False


@dataclass(frozen=True)
class Names:
    """SQL of plain columns by which the steps of one column refer to one another.

    Each step is a projection of its own, so that nothing is computed twice: the mapped value as
    it came, its trimmed text, a prepared value (a time before its zone is applied), the value.
    """

    source: str
    text: str
    prepared: str
    value: str


@dataclass(frozen=True)
class Typed:
    """SQL of the steps of one column; each may refer to the names of the steps before it.

    Attributes:
        text: the trimmed text, NULL when nothing is left.
        prepared: a half-way value, or ``null``.
        value: NULL, or the value in the type of the contract.
        fault: what is wrong with it, or NULL.
    """

    text: str
    prepared: str
    value: str
    fault: str


def is_text(source_type: str) -> bool:
    """Whether a DuckDB type is read by the rules for text."""
    return source_type in ("VARCHAR", "JSON") or source_type.startswith("ENUM")


def _clean(source: str) -> str:
    """The text of a source column, trimmed; NULL when nothing is left.

    Trimming costs as much as all other rules together, and nearly every text begins and ends
    with a visible character, so that is looked at first.
    """
    text = f"{source}::varchar"
    return (
        f"case when regexp_full_match({text}, '[!-~]([^\\n]*[!-~])?') then {text}"
        f" else nullif(trim({text}, {_SPACES}), '') end"
    )


def to_utc(local: str, time_zone: str) -> str:
    """The instant (naive UTC) of a local time, as SQL.

    A local time that occurs twice is the first of the two; one that does not occur is read with
    the offset before the change. ICU gives the later of two: where the offset a day and more
    earlier was greater, the instant is tried with that offset and kept if its local time is the
    one that was asked for. 26 hours reach over every overlap there was (the longest, of 24
    hours, where a country crossed the date line) and over no second change.

    Args:
        local: SQL of a timestamp without time zone; evaluated several times.
        time_zone: name that DuckDB knows.
    """
    if time_zone == "UTC":
        return local
    zone = literal(time_zone)
    later = f"(({local} at time zone {zone}) at time zone 'UTC')"
    before = f"({later} - interval 26 hours)"
    offset = f"({local_time(before, time_zone)} - {before})"
    earlier = f"({local} - {offset})"
    return (
        f"(case when {offset} > {local} - {later} and {earlier} < {later}"
        f" and {local_time(earlier, time_zone)} = {local} then {earlier} else {later} end)"
    )


def local_time(instant: str, time_zone: str) -> str:
    """The local time of an instant given as naive UTC, as SQL."""
    if time_zone == "UTC":
        return instant
    return f"(({instant} at time zone 'UTC') at time zone {literal(time_zone)})"


def typed(
    column: Column,
    source_type: str,
    names: Names,
    rules: Rules,
    *,
    is_trimmed: bool = False,
    limited_by: str = "null",
) -> Typed:
    """The rules of one column.

    Args:
        column: the column of the contract.
        source_type: DuckDB type of the mapped value.
        names: how the steps refer to one another.
        rules: zone, format and plausible span.
        is_trimmed: it is known of every value that no white space stands at its ends.
        limited_by: SQL of the value of the column that ``limits_where`` names.
    """
    taken = _KINDS[column.kind](column, source_type, names, rules)
    value = taken.value
    faults = [
        f"when {names.text} is null then {literal(MISSING) if column.required else 'null'}",
        *(f"when {condition} then {literal(reason)}" for condition, reason in taken.telling),
        f"when {names.value} is null then {literal(taken.otherwise)}",
    ]
    if column.accepted_values:
        value = f"lower({value})"
        faults.append(f"when not {_accepted(column, names)} then {literal(NOT_ACCEPTED)}")
    if column.format == "json":
        faults.append(f"when not json_valid({names.value}) then {literal(NOT_JSON)}")
    faults.extend(_limits(column, names.value, limited_by))
    faults.extend(_dates(column, names.value, rules))
    if column.event_time:
        faults.extend(_span(column, names.value, rules))
    nested = source_type.endswith("]") or source_type.startswith(("STRUCT", "MAP", "UNION"))
    text = _clean(f"to_json({names.source})" if nested else names.source)
    if is_trimmed:
        text = f"case when {names.source} <> '' then {names.source} end"
    return Typed(
        text=text,
        prepared=taken.prepared,
        value=value,
        fault=f"case {' '.join(faults)} end",
    )


def _accepted(column: Column, names: Names) -> str:
    whole = [item for item in column.accepted_values if not item.endswith("*")]
    starts = [item[:-1] for item in column.accepted_values if item.endswith("*")]
    tests = [f"starts_with({names.value}, {literal(start)})" for start in starts]
    if whole:
        tests.append(f"{names.value} in ({', '.join(map(literal, whole))})")
    return f"({' or '.join(tests)})"


def _limits(column: Column, value: str, limited_by: str) -> list[str]:
    """Faults of a number outside its limits, where these hold."""
    applies, where = "", ""
    if column.limits_where is not None:
        other, wanted = column.limits_where
        applies = f"lower({limited_by}) = {literal(wanted)} and "
        where = f" where {other} is {wanted}"
    return [
        f"when {applies}{value} {outside} {int(limit)} then {literal(f'{told} {limit}{where}')}"
        for limit, outside, told in (
            (column.minimum, "<", "below the minimum of"),
            (column.maximum, ">", "above the maximum of"),
            (column.above, "<=", "not above"),
        )
        if limit is not None
    ]


def _dates(column: Column, value: str, rules: Rules) -> list[str]:
    """Faults of a date that nobody can have, such as a birth in the future."""
    faults = []
    if column.not_before is not None:
        reason = literal(f"before {column.not_before}")
        faults.append(f"when {value} < date '{column.not_before}' then {reason}")
    if column.not_after_load:
        today = f"{local_time(_timestamp_literal(rules.loaded_at), rules.time_zone)}::date"
        faults.append(f"when {value} > {today} then {literal(AFTER_LOAD)}")
    return faults


def _span(column: Column, value: str, rules: Rules) -> list[str]:
    """Faults of an event outside the plausible span, told by instant, so without a zone's cost."""
    first = rules.started_on or FIRST_YEAR
    reason = BEFORE_ANY_START if rules.started_on is None else BEFORE_START
    latest = rules.loaded_at + dt.timedelta(days=1)
    if column.kind == "date":
        zone = rules.time_zone
        start = f"date '{first}'"
        end = f"{local_time(_timestamp_literal(latest), zone)}::date"
    else:
        start = to_utc(f"timestamp '{first} 00:00:00'", rules.time_zone)
        end = _timestamp_literal(latest)
    return [
        f"when {value} < {start} then {literal(reason)}",
        f"when {value} > {end} then {literal(IN_THE_FUTURE)}",
    ]


def _timestamp_literal(moment: dt.datetime) -> str:
    return f"timestamp '{moment.isoformat(sep=' ')}'"


@dataclass(frozen=True)
class _Taken:
    """How a kind of column takes a value: the SQL, and why there may be none.

    Attributes:
        value: SQL of the value.
        otherwise: reason where there is none and nothing more telling holds.
        telling: conditions and their reasons, tried first.
        prepared: SQL of the half-way value.
    """

    value: str
    otherwise: str
    telling: tuple[tuple[str, str], ...] = ()
    prepared: str = "null"


def _string(column: Column, source_type: str, names: Names, rules: Rules) -> _Taken:
    del column, source_type, rules
    return _Taken(names.text, "not a text")


def _decimal(column: Column, source_type: str, names: Names, rules: Rules) -> _Taken:
    del rules
    source, text, target, scale = names.source, names.text, column.sql_type, column.scale

    def rounded(wide: str) -> str:
        return f"try_cast(round_even({wide}, {scale}) as {target})"

    found = _SOURCE_DECIMAL.fullmatch(source_type)
    if _INTEGERS.fullmatch(source_type) or (found and int(found[1]) <= scale):
        return _Taken(f"try_cast({source} as {target})", OUT_OF_RANGE)
    if found:
        return _Taken(rounded(source), OUT_OF_RANGE)
    if source_type in ("DOUBLE", "FLOAT"):
        zero = f"({source} = 0 and signbit({source}))"
        return _Taken(
            f"case when isfinite({source}) and not {zero}"
            f" then {rounded(f'try_cast({source} as decimal(38,12))')} end",
            OUT_OF_RANGE,
            ((f"not isfinite({source})", "not a finite number"), (zero, NEGATIVE_ZERO)),
        )
    short = rf"[+-]?(\d+(\.\d{{0,{scale}}})?|\.\d{{1,{scale}}})"
    # Half even needs to know whether anything follows the tie: digits beyond the nineteenth are
    # kept as one digit that says so.
    told = f"regexp_replace({text}, '(\\.\\d{{19}})\\d*[1-9]\\d*$', '\\1' || '1')"
    zero = f"regexp_full_match({text}, '{_NEGATIVE_ZERO}')"
    return _Taken(
        f"case when {text}[1] = '-' and {zero} then null"
        f" when regexp_full_match({text}, '{short}') then try_cast({text} as {target})"
        f" when regexp_full_match({text}, '{_DECIMAL}')"
        f" then {rounded(f'try_cast({told} as decimal(38,20))')} end",
        OUT_OF_RANGE,
        (
            (
                f"{names.value} is null and not regexp_full_match({text}, '{_DECIMAL}')",
                "not a decimal number",
            ),
            (f"{names.value} is null and {zero}", NEGATIVE_ZERO),
        ),
    )


def _integer(column: Column, source_type: str, names: Names, rules: Rules) -> _Taken:
    del rules
    source, text, target = names.source, names.text, column.sql_type
    if _INTEGERS.fullmatch(source_type):
        return _Taken(f"try_cast({source} as {target})", OUT_OF_RANGE)
    if source_type in ("DOUBLE", "FLOAT") or _SOURCE_DECIMAL.fullmatch(source_type):
        whole = f"{source} = trunc({source})"
        value = f"case when {whole} then try_cast({source} as {target}) end"
        return _Taken(value, OUT_OF_RANGE, ((f"not ({whole})", "not a whole number"),))
    match = f"regexp_full_match({text}, '{_WHOLE}')"
    value = f"case when {match} then try_cast({text} as {target}) end"
    return _Taken(value, OUT_OF_RANGE, ((f"not {match}", "not a whole number"),))


def _boolean(column: Column, source_type: str, names: Names, rules: Rules) -> _Taken:
    del column, rules
    if source_type == "BOOLEAN":
        return _Taken(names.source, "not true or false")
    return _Taken(
        f"case when lower({names.text}) in ('true', 't', 'yes', 'y', '1') then true"
        f" when lower({names.text}) in ('false', 'f', 'no', 'n', '0') then false end",
        "not true or false",
    )


def _in_range(source: str, value: str) -> str:
    """Guards against infinities and years that no calendar of ours has."""
    moment = f"try_cast({source} as timestamp)"  # of seconds, nanoseconds and dates alike
    return (
        f"case when isfinite({moment}) and {moment} >= timestamp '0001-01-02'"
        f" and {moment} < timestamp '9999-12-30' then {value} end"
    )


def _date(column: Column, source_type: str, names: Names, rules: Rules) -> _Taken:
    del column
    source, text = names.source, names.text
    if source_type == "TIMESTAMP WITH TIME ZONE":
        local = local_time(f"({source} at time zone 'UTC')", rules.time_zone)
        return _Taken(_in_range(source, f"{local}::date"), "not a date")
    if source_type == "DATE" or source_type.startswith("TIMESTAMP"):
        return _Taken(_in_range(source, f"{source}::date"), "not a date")
    if rules.time_format is not None:
        parsed = f"try_strptime({text}, {literal(rules.time_format)})"
        if rules.format_has_zone:
            parsed = local_time(f"({parsed} at time zone 'UTC')", rules.time_zone)
        return _Taken(f"{parsed}::date", "not a date in the declared format")
    return _Taken(
        f"case when regexp_full_match({text}, '{_DATE}') then try_cast({text} as date) end",
        "not an ISO 8601 date",
    )


def _timestamp(column: Column, source_type: str, names: Names, rules: Rules) -> _Taken:
    del column
    source, text = names.source, names.text
    local = to_utc(names.prepared, rules.time_zone)
    if source_type == "TIMESTAMP WITH TIME ZONE":
        return _Taken(_in_range(source, f"({source} at time zone 'UTC')"), "not a time")
    if source_type == "DATE" or source_type.startswith("TIMESTAMP"):
        return _Taken(local, "not a time", prepared=_in_range(source, f"{source}::timestamp"))
    if rules.time_format is not None:
        parsed = f"try_strptime({text}, {literal(rules.time_format)})"
        if rules.format_has_zone:
            return _Taken(f"({parsed} at time zone 'UTC')", "not a time in the declared format")
        return _Taken(local, "not a time in the declared format", prepared=parsed)
    # DuckDB reads 'Z' and offsets only where they touch the time
    instant = rf"try_cast(regexp_replace(upper({text}), ' (Z|[+-][0-9:]+)$', '\1') as timestamptz)"
    return _Taken(
        f"case when {names.prepared} is not null then {local}"
        f" when regexp_full_match({text}, '{_DATE}{_CLOCK} ?{_OFFSET}')"
        f" then {instant} at time zone 'UTC' end",
        "not an ISO 8601 time",
        prepared=f"case when regexp_full_match({text}, '{_DATE}({_CLOCK})?')"
        f" then try_cast({text} as timestamp) end",
    )


_KINDS: Final = {
    "string": _string,
    "int": _integer,
    "bigint": _integer,
    "boolean": _boolean,
    "date": _date,
    "timestamp": _timestamp,
    "decimal": _decimal,
}
