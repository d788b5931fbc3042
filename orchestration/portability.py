"""The portability lint: SQL that DuckDB and Spark do not read alike is refused before it runs.

Two passes. The first parses the *compiled* SQL of every model and data test. What the macros of
``macros/engines/`` emit is there between ``/*engine*/`` and ``/*end engine*/``; every outermost
region is replaced by a placeholder, because engines may differ inside it and nowhere else. The
second pass reads the *source* of models, data tests and the other macros, because an argument of
an engine macro disappears into its region.

Functions are allowed by name and refused by default: a function stands in ``SAME_ON_BOTH`` only
because it gives the same rows on both engines. A finding says what to write instead.

Does not belong here: style (sqlfluff), the layer rule (layers.py), or anything that runs SQL. That
both engines return the same rows is for the tests that run them; this lint only keeps out what is
known to differ. The full tie-break of a ``row_number`` cannot be seen from SQL alone.
"""

from __future__ import annotations

import argparse
import csv
import graphlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.dbt_project import read_manifest
from orchestration.errors import ClienteleError

if TYPE_CHECKING:
    import sqlglot.expressions as exp
    from sqlglot.tokenizer_core import Token

# Column names in lower case of relations of the warehouse, by (schema, name).
Columns = Mapping[tuple[str, str], frozenset[str]]

PLACEHOLDER = "engine_output"
ENGINE_MACROS = Path("macros/engines")

# What gives the same rows on DuckDB 2.0 and Spark 4.3: each was run on both over blank, accented
# and CJK text, NULL, negative and halfway numbers, leap days and ISO year ends. A name is added
# after the same was done for it. Known rest: upper() and lower() differ for the few letters whose
# other case is longer (U+00DF, U+0130).
SAME_ON_BOTH: frozenset[str] = frozenset(
    {
        *("sum", "count", "min", "max", "bool_and", "bool_or"),
        *("row_number", "rank", "dense_rank", "lag", "lead", "first_value", "last_value"),
        *("cast", "coalesce", "nullif", "greatest", "least"),
        *("abs", "mod", "round"),
        *("ascii", "concat_ws", "contains", "instr", "left", "length", "lower", "lpad"),
        *("ltrim", "md5", "position", "repeat", "replace", "reverse", "right", "rpad", "rtrim"),
        *("split_part", "substr", "substring", "trim", "upper"),
        *("day", "dayofmonth", "dayofyear", "extract", "hour", "last_day", "make_date", "minute"),
        *("month", "quarter", "second", "weekofyear", "year"),
    }
)

_ENGINE = "a macro of macros/engines/"
_NO_CLOCK = "now is a column: join the as_of spine"
_NO_DOUBLE = f"it is a double: sum decimals and divide with the ratio macros, or {_ENGINE}"
_NO_QUANTILE = "quantiles are type-7 by explicit decimal interpolation: macro type7_quantiles"
_NO_NESTED = "lists, structs and maps differ: keep rows, one per element"
_NO_JSON = f"JSON differs: read it in {_ENGINE}"
_NO_PATTERN = f"engines replace and match differently: {_ENGINE}"
_NO_DATES = "date arithmetic differs: macros add_days, days_between, month_start and their like"
_NO_CHANCE = "a refresh must be repeatable: derive it from the data (dbt.hash)"

CLOCK_WORDS: frozenset[str] = frozenset(
    {
        *("current_date", "current_datetime", "current_time", "current_timestamp"),
        *("localtime", "localtimestamp", "sysdate"),
    }
)


def _each(answer: str, names: str) -> dict[str, str]:
    """One answer for several names, which are separated by spaces."""
    return dict.fromkeys(names.split(), answer)


# What to write instead, for names people will try. Others get a general answer.
ADVICE: dict[str, str] = {
    **dict.fromkeys(CLOCK_WORDS, _NO_CLOCK),
    **_each(
        _NO_CLOCK,
        "getdate get_current_timestamp now statement_timestamp today "
        "transaction_timestamp unix_timestamp",
    ),
    **_each(
        _NO_DOUBLE,
        "avg mean favg fsum stddev stddev_pop stddev_samp var_pop var_samp variance corr "
        "covar_pop covar_samp exp ln log log10 log2 pow power sqrt percent_rank cume_dist",
    ),
    **_each(
        _NO_QUANTILE,
        "quantile quantile_cont quantile_disc percentile percentile_cont percentile_disc "
        "approx_percentile approx_quantile",
    ),
    "median": "it goes through a double on Spark: macro exact_median",
    "mode": "ties are broken at random: count, then rank with a full tie-break",
    "ntile": "equal values would get different bands: compare with cut points (type7_quantiles)",
    **_each(
        "it breaks ties differently: qualify row_number() over a full order, or min() / max()",
        "any_value arbitrary first last arg_max arg_min argmax argmin max_by min_by",
    ),
    "concat": "it treats NULL differently: write a || b, with coalesce where NULL may occur",
    **_each(
        f"an ordered string has no common form: keep rows, or {_ENGINE}",
        "string_agg list_agg listagg group_concat collect_list collect_set",
    ),
    **_each(
        _NO_NESTED,
        "list unnest explode flatten row struct map",
    ),
    **_each(
        "macro date_series",
        "generate_series range sequence",
    ),
    **_each(
        _NO_DATES,
        "date_add date_sub dateadd datediff date_diff datesub date_trunc datetrunc trunc "
        "add_months months_between age to_days to_months timestampadd timestampdiff "
        "make_interval time_bucket",
    ),
    **_each(
        "engines count days of the week differently: macro iso_weekday",
        "dayofweek weekday isodow dayname",
    ),
    **_each(
        f"time conversion differs: {_ENGINE}",
        "epoch epoch_ms epoch_us date_part datepart strftime strptime date_format to_date "
        "to_timestamp from_unixtime monthname make_timestamp timezone from_utc_timestamp "
        "to_utc_timestamp week isoyear yearweek",
    ),
    "date": "cast(... as date)",
    "timestamp": "cast(... as timestamp)",
    "try_cast": f"text that is not a number differs: {_ENGINE}",
    "if": "case when ... then ... else ... end",
    "iff": "case when ... then ... else ... end",
    "ifnull": "coalesce",
    "nvl": "coalesce",
    **_each("a whole number becomes a double on DuckDB: integer_divide", "ceil ceiling floor"),
    "sign": "it is a double on Spark: case when x > 0 then 1 when x < 0 then -1 else 0 end",
    "chr": f"Spark knows the first 256 characters only: {_ENGINE}",
    "len": "length",
    "strpos": "instr",
    "starts_with": "left(text, n) = 'prefix'",
    "startswith": "left(text, n) = 'prefix'",
    "round_even": "macro round_half_even",
    "bround": "macro round_half_even",
    "like_escape": "like ... escape",
    **_each(
        _NO_CHANCE,
        "random rand randn uuid gen_random_uuid setseed",
    ),
    **_each(
        "dbt.hash",
        "hash xxhash64 sha256 sha1",
    ),
    "columns": "write the columns out, or loop over a list in Jinja",
    "rowid": "keys come from the data",
    "countif": "count(*) filter (where ...)",
    "count_if": "count(*) filter (where ...)",
    **_each(
        "files come in through a source",
        "read_csv read_csv_auto read_json read_json_auto read_parquet parquet_scan",
    ),
}

# Families of names; the first that fits answers.
ADVICE_BY_PREFIX: tuple[tuple[str, str], ...] = (
    ("regexp_", _NO_PATTERN),
    ("list_", _NO_NESTED),
    ("array_", _NO_NESTED),
    ("map_", _NO_NESTED),
    ("struct_", _NO_NESTED),
    ("json_", _NO_JSON),
    ("from_json", _NO_JSON),
    ("get_json", _NO_JSON),
    ("to_json", _NO_JSON),
    ("quantile_", _NO_QUANTILE),
    ("percentile_", _NO_QUANTILE),
    ("approx_", "an estimate differs from engine to engine: count(distinct ...)"),
    ("epoch_", f"time conversion differs: {_ENGINE}"),
    ("regr_", _NO_DOUBLE),
    ("bit_", f"bit arithmetic differs: {_ENGINE}"),
)

# Helpers of dbt whose output differs between engines, or hides what this lint refuses.
DBT_HELPERS: dict[str, str] = {
    "any_value": ADVICE["any_value"],
    "array_append": _NO_NESTED,
    "array_concat": _NO_NESTED,
    "array_construct": _NO_NESTED,
    "current_timestamp": _NO_CLOCK,
    "current_timestamp_backcompat": _NO_CLOCK,
    "current_timestamp_in_utc_backcompat": _NO_CLOCK,
    "date": "macro make_date, or cast(... as date)",
    "date_spine": "macro date_series",
    "date_trunc": _NO_DATES,
    "dateadd": _NO_DATES,
    "datediff": _NO_DATES,
    "last_day": "macro month_end",
    "listagg": ADVICE["listagg"],
    "safe_cast": f"it is a plain cast on both: {_ENGINE}",
    "type_float": "money and rates are decimals",
}

# A word before "(" that is not a function. Grouping sets were run on both over texts with NULL.
_NOT_FUNCTIONS: frozenset[str] = frozenset(
    {
        *("all", "and", "as", "between", "by", "case", "distinct", "else", "end", "except"),
        *("exists", "filter", "from", "group by", "grouping sets", "having", "ilike", "in"),
        *("intersect", "is"),
        *("join", "like", "limit", "materialized", "not", "offset", "on", "or", "order by", "over"),
        *("partition by", "qualify", "select", "then", "union", "using", "values", "when"),
        *("where", "with", PLACEHOLDER),
    }
)

# Types by sqlglot's name. TEXT is what DuckDB calls a string; sources are held to `string`.
_TYPES: frozenset[str] = frozenset(
    {
        *("BIGINT", "BOOLEAN", "DATE", "DECIMAL", "INT", "SMALLINT", "TEXT", "TIMESTAMP"),
        *("TIMESTAMPNTZ", "TINYINT", "VARCHAR"),
    }
)
_EXTRACTABLE: frozenset[str] = frozenset({"YEAR", "QUARTER", "MONTH", "DAY", "HOUR", "MINUTE"})

_TOKEN_RULES: dict[str, tuple[str, str]] = {
    "SLASH": (
        "division",
        "`/` divides decimals as doubles on DuckDB; write ratio(), amount_per() or exact_ratio()",
    ),
    "DIV": ("division", "`//` is not in Spark; write the macro integer_divide"),
    "DSTAR": ("function", f"`**` is a double; write {_ENGINE}"),
    "CARET": ("function", f"`^` is a power here and XOR there; write {_ENGINE}"),
    "TILDE": ("pattern", f"`~` matches differently; write like, or {_ENGINE}"),
    "SIMILAR_TO": ("pattern", f"`similar to` is not in Spark; write like, or {_ENGINE}"),
    "RLIKE": ("pattern", f"`rlike` is not in DuckDB; write like, or {_ENGINE}"),
    "GLOB": ("pattern", "`glob` is not in Spark; write like"),
    "ARROW": ("nested", f"`->` is a lambda or JSON path; write {_ENGINE}"),
    "DARROW": ("nested", f"`->>` is a JSON path; write {_ENGINE}"),
    "L_BRACKET": ("nested", f"`[` starts a list or an element of one; {_NO_NESTED}"),
    "L_BRACE": ("nested", f"`{{` starts a struct or map; {_NO_NESTED}"),
    "COLON": ("syntax", "`:` (slice, lambda or alias before the expression) is not in Spark"),
    "INTERVAL": ("interval", f"interval arithmetic drifts in type; {_NO_DATES}"),
    "HASH": ("syntax", "a column by position is not in Spark; name it"),
    "DAMP": ("syntax", "`&&` differs; write and"),
    "BYTE_STRING": ("literal", "an e'...' string is not portable; write a plain string"),
    "HEREDOC_STRING": ("literal", "a $$...$$ string is not portable; write a plain string"),
    "PIVOT": ("pivot", "`pivot` differs; write sum(...) filter (where ...)"),
    "UNPIVOT": ("pivot", "`unpivot` differs; write union all"),
    "ASOF": ("join", "`asof join` is not in Spark; write qualify row_number(), or an engine macro"),
    "POSITIONAL": ("join", "`positional join` is not in Spark; join by a key"),
    "SEMI": ("join", "`semi join` is spelt differently; write where exists (...)"),
    "ANTI": ("join", "`anti join` is spelt differently; write where not exists (...)"),
}


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that the engines would not read alike.

    Attributes:
        name: the file; " (compiled)" behind it where the line is one of the compiled SQL.
        line: 1-based line.
        rule: short name of the rule.
        message: what stands there and what to write instead.
    """

    name: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        """One line, as compilers print it."""
        return f"{self.name}:{self.line}: {self.rule}: {self.message}"


@dataclass(frozen=True)
class _Spot:
    """A finding before it knows its file."""

    line: int
    rule: str
    message: str


class _UnbalancedError(Exception):
    """Engine markers that do not match."""

    def __init__(self, line: int, message: str) -> None:
        self.line = line
        super().__init__(message)


# --------------------------------------------------------------------------------------------
# Reading SQL text: comments, strings, engine regions
# --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Piece:
    """A stretch of SQL text: code, string, identifier (quoted), line comment or block comment."""

    kind: str
    start: int
    end: int


def _block_comment_end(sql: str, start: int) -> int:
    """End of the block comment at `start`; block comments nest on both engines."""
    depth = 0
    for mark in re.finditer(r"/\*|\*/", sql[start:]):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return start + mark.end()
    return len(sql)


def _pieces(sql: str) -> Iterator[_Piece]:
    """Cut SQL text into code, strings, quoted identifiers and comments, in order."""
    opener = re.compile(r"'|\"|--|/\*")
    position = 0
    while position < len(sql):
        found = opener.search(sql, position)
        if found is None:
            yield _Piece("code", position, len(sql))
            return
        if found.start() > position:
            yield _Piece("code", position, found.start())
        start, mark = found.start(), found.group()
        if mark == "--":
            newline = sql.find("\n", start)
            kind, end = "line comment", len(sql) if newline < 0 else newline
        elif mark == "/*":
            kind, end = "block comment", _block_comment_end(sql, start)
        else:
            closing = sql.find(mark, start + 1)
            kind = "string" if mark == "'" else "identifier"
            end = len(sql) if closing < 0 else closing + 1
        yield _Piece(kind, start, end)
        position = end


_MARKER = re.compile(r"/\*\s*(end\s+)?engine\s*\*/")


def _marker(sql: str, piece: _Piece) -> str | None:
    """ "open" or "close" where the piece is an engine marker."""
    if piece.kind != "block comment":
        return None
    match = _MARKER.fullmatch(sql[piece.start : piece.end])
    if match is None:
        return None
    return "close" if match.group(1) else "open"


def _line_at(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _without_comments(sql: str) -> str:
    return "".join(
        " " if piece.kind.endswith("comment") else sql[piece.start : piece.end]
        for piece in _pieces(sql)
    )


def _placeholder(content: str, before: str, number: int) -> str:
    """What stands for an engine region, so that the SQL around it still parses.

    Args:
        content: the region, without its markers.
        before: the SQL in front of it.
        number: the region's place in the statement, for names that must differ.
    """
    text = _without_comments(content).strip()
    if not text:
        return ""
    head = "," if text.startswith(",") else ""
    tail = "," if text.endswith(",") else ""
    text = text.strip(", \n\t").lower()
    if re.match(r"(select|with|values)\b", text):
        core = f"select {PLACEHOLDER}"
    elif re.match(r"\w+\s+as\s+((not\s+)?materialized\s+)?\(", text):
        core = f"{PLACEHOLDER}_{number} as (select {PLACEHOLDER})"
    elif re.match(r"((left|right|full)\s+(outer\s+)?|inner\s+|cross\s+|asof\s+)?join\b", text):
        core = f"cross join {PLACEHOLDER}"
    elif match := re.match(r"(where|and|or|on|qualify|having)\b", text):
        core = f"{match.group(1)} {PLACEHOLDER}()"
    elif re.search(r"(\bas|::)\s*$", _without_comments(before), re.IGNORECASE):
        core = PLACEHOLDER  # a type or an alias
    else:
        core = f"{PLACEHOLDER}()"  # a call may be followed by filter (...) and over (...)
    return f"{head}{core}{tail}"


def mask_engine_regions(sql: str) -> str:
    """The SQL with every outermost engine region replaced by a placeholder on the same lines.

    Raises:
        ClienteleError: the markers are not balanced.
    """
    try:
        return _mask(sql)
    except _UnbalancedError as error:
        raise ClienteleError(
            str(error),
            where=f"line {error.line}",
            remedy="let every engine macro emit both markers around its output",
        ) from None


def _mask(sql: str) -> str:
    kept: list[str] = []
    opened: list[int] = []
    position = number = 0
    for piece in _pieces(sql):
        marker = _marker(sql, piece)
        if marker == "open":
            if not opened:
                kept.append(sql[position : piece.start])
                position = piece.end
            opened.append(piece.start)
        elif marker == "close":
            if not opened:
                raise _UnbalancedError(
                    _line_at(sql, piece.start), "`/*end engine*/` closes nothing; check the macro"
                )
            start = opened.pop()
            if not opened:
                number += 1
                content = sql[position : piece.start]
                lines = sql.count("\n", start, piece.end)
                kept.append(f" {_placeholder(content, ''.join(kept), number)} " + "\n" * lines)
                position = piece.end
    if opened:
        raise _UnbalancedError(
            _line_at(sql, opened[0]), "`/*engine*/` is never closed by `/*end engine*/`"
        )
    kept.append(sql[position:])
    return "".join(kept)


# --------------------------------------------------------------------------------------------
# First pass: compiled SQL
# --------------------------------------------------------------------------------------------


def _sqlglot() -> Any:
    """The parser; it is imported late, for a refresh does without it."""
    try:
        import sqlglot
    except ModuleNotFoundError as error:
        raise ClienteleError(
            "the portability lint needs sqlglot, which is not installed",
            where="orchestration.portability",
            remedy="install the locked dependencies (make test does)",
        ) from error
    return sqlglot


def advice(function: str) -> str:
    """What to write instead of a function that is not known to be the same on both engines."""
    name = function.lower()
    if name in ADVICE:
        return ADVICE[name]
    for prefix, answer in ADVICE_BY_PREFIX:
        if name.startswith(prefix):
            return answer
    return (
        f"write {_ENGINE}, or, once tried on DuckDB and Spark, add it to SAME_ON_BOTH in "
        "orchestration/portability.py"
    )


def _refused_function(name: str, line: int) -> _Spot:
    if name.lower() in CLOCK_WORDS or ADVICE.get(name.lower()) == _NO_CLOCK:
        return _Spot(line, "clock", f"`{name}` reads the clock; {_NO_CLOCK}")
    return _Spot(line, "function", f"`{name}` is not the same on both engines; {advice(name)}")


def _kind(token: Token | None) -> str:
    return "" if token is None else token.token_type.name


def _at(tokens: Sequence[Token], index: int) -> Token | None:
    return tokens[index] if 0 <= index < len(tokens) else None


def _call_spots(tokens: Sequence[Token], defined: frozenset[str]) -> Iterator[_Spot]:
    """Functions that are not on the list, and clocks.

    Args:
        tokens: the statement.
        defined: names of CTEs and table aliases with a column list, which look like calls.
    """
    for index, token in enumerate(tokens):
        before, after = _at(tokens, index - 1), _at(tokens, index + 1)
        word = token.text.lower()
        if not re.fullmatch(r"[a-z_][\w ]*", word) or _kind(token) == "STRING":
            continue
        if word in CLOCK_WORDS and _kind(before) != "DOT" and _kind(token) != "IDENTIFIER":
            yield _refused_function(token.text, token.line)
            continue
        if _kind(after) != "L_PAREN" or word in _NOT_FUNCTIONS:
            continue
        if _kind(before) == "DOT":
            yield _Spot(
                token.line,
                "function",
                f"`.{token.text}(...)` is a method or belongs to a schema; call it by name alone",
            )
        elif _kind(before) in {"ALIAS", "DCOLON"} or word in defined:
            continue  # a type, or an alias with a column list
        elif word not in SAME_ON_BOTH:
            yield _refused_function(token.text, token.line)
        elif word == "count" and _kind(_at(tokens, index + 2)) == "R_PAREN":
            yield _Spot(token.line, "function", "`count()` is not in Spark; write count(*)")


_ORDER_ENDS: frozenset[str] = frozenset(
    {
        *("ROWS", "RANGE", "LIMIT", "OFFSET", "FETCH", "UNION", "EXCEPT", "INTERSECT", "WINDOW"),
        *("SEMICOLON", "QUALIFY", "GROUP_BY", "USING", "TABLE_SAMPLE"),
    }
)


def _order_keys(tokens: Sequence[Token], start: int) -> Iterator[list[Token]]:
    """The keys of the ORDER BY at `start`, each as its tokens."""
    depth = 0
    key: list[Token] = []
    for token in tokens[start + 1 :]:
        kind = _kind(token)
        if kind == "R_PAREN" and depth == 0:
            break
        if depth == 0 and (kind in _ORDER_ENDS or token.text.lower() == "groups"):
            break
        if kind == "COMMA" and depth == 0:
            yield key
            key = []
            continue
        depth += {"L_PAREN": 1, "R_PAREN": -1}.get(kind, 0)
        key.append(token)
    yield key


def _order_spots(tokens: Sequence[Token]) -> Iterator[_Spot]:
    """ORDER BY keys without an explicit place for NULL: the engines' defaults differ."""
    for index, token in enumerate(tokens):
        if _kind(token) != "ORDER_BY":
            continue
        for key in _order_keys(tokens, index):
            words = [part.text.lower() for part in key]
            if words[-2:] in (["nulls", "first"], ["nulls", "last"]):
                continue
            where = key[0] if key else token
            shown = " ".join(words[:6]) + (" ..." if len(words) > 6 else "")
            yield _Spot(
                where.line,
                "null order",
                f"order by `{shown}` leaves the place of NULL to the engine; "
                "write nulls first or nulls last",
            )


_TYPE_NAMES_WITHOUT_WIDTH = frozenset({"decimal", "numeric", "dec"})


def _text_spots(tokens: Sequence[Token]) -> Iterator[_Spot]:
    """What single tokens, or two beside each other, give away."""
    for index, token in enumerate(tokens):
        kind = _kind(token)
        before, after = _at(tokens, index - 1), _at(tokens, index + 1)
        if kind in _TOKEN_RULES and not (kind in {"SEMI", "ANTI"} and _kind(after) != "JOIN"):
            rule, message = _TOKEN_RULES[kind]
            yield _Spot(token.line, rule, message)
        elif kind == "STRING" and "\\" in token.text:
            yield _Spot(
                token.line,
                "literal",
                f"a backslash in a string is an escape on Spark; avoid it, or write {_ENGINE}",
            )
        elif kind == "NUMBER" and re.search(r"[eE]", token.text):
            yield _Spot(
                token.line, "double", f"`{token.text}` is a double; write it as a plain decimal"
            )
        elif kind == "COMMA" and _kind(after) in {"FROM", "R_PAREN", "", "WHERE", "GROUP_BY"}:
            yield _Spot(token.line, "syntax", "a comma after the last item is not in Spark")
        elif kind == "FROM" and (before is None or _kind(before) in {"L_PAREN", "UNION", "ALL"}):
            yield _Spot(token.line, "syntax", "`from` before `select` is not in Spark")
        elif (
            token.text.lower() in _TYPE_NAMES_WITHOUT_WIDTH
            and _kind(before) in {"ALIAS", "DCOLON"}
            and _kind(after) != "L_PAREN"
        ):
            yield _Spot(
                token.line,
                "type",
                f"`{token.text}` has another width on each engine; write decimal(18,4) or its like",
            )


def _line(node: exp.Expr) -> int:
    """The first line of a node, from whatever part of it remembers one."""
    lines = [int(part.meta["line"]) for part in node.walk() if "line" in part.meta]
    return min(lines, default=1)


def _is_date(node: exp.Expr | None) -> bool:
    import sqlglot.expressions as exp

    while isinstance(node, exp.Paren):
        node = node.this
    return isinstance(node, exp.Cast) and node.to.this.name == "DATE"


def _has_places(node: exp.Expr | None) -> bool:
    """Whether an expression is seen to be a decimal with places behind the point."""
    import sqlglot.expressions as exp

    while isinstance(node, exp.Paren | exp.Neg):
        node = node.this
    if isinstance(node, exp.Literal):
        return not node.is_string and "." in node.name
    if isinstance(node, exp.Cast) and node.to.this.name == "DECIMAL":
        width = [str(parameter.this.name) for parameter in node.to.expressions]
        return len(width) == 2 and width[1] != "0"
    return False


def _cast_spots(tree: exp.Expr) -> Iterator[_Spot]:
    """Types that the engines lack or round differently."""
    import sqlglot.expressions as exp

    for cast in tree.find_all(exp.Cast):
        to = cast.to
        name = to.this.name
        if name == "USERDEFINED":
            name = str(to.args.get("kind") or "").upper()
        if name not in _TYPES and name != PLACEHOLDER.upper():
            yield _Spot(
                _line(cast),
                "type",
                f"type {to.sql('duckdb').lower()} is not the same on both engines; write decimal, "
                "bigint, int, string, boolean, date or timestamp",
            )
        if name in {"INT", "BIGINT", "SMALLINT", "TINYINT"} and _has_places(cast.this):
            yield _Spot(
                _line(cast),
                "type",
                "a decimal becomes the nearest whole number on DuckDB and loses its places on "
                "Spark; round it first, to 0 places",
            )
    for difference in tree.find_all(exp.Sub):
        if _is_date(difference.this) and _is_date(difference.expression):
            yield _Spot(
                _line(difference),
                "interval",
                "date - date is a number here and an interval there; write days_between",
            )


def _partitioned(window: exp.Window) -> bool:
    import sqlglot.expressions as exp

    keys = window.args.get("partition_by") or []
    return any(not isinstance(key, exp.Literal | exp.Boolean | exp.Null) for key in keys)


def _select_spots(tree: exp.Expr) -> Iterator[_Spot]:
    """Clauses that only one engine has, or that depend on the order of rows."""
    import sqlglot.expressions as exp

    for star in tree.find_all(exp.Star):
        used = [word for word in ("except_", "except", "replace", "rename") if star.args.get(word)]
        if used:
            yield _Spot(
                _line(star),
                "star",
                "`* exclude / replace / rename` is not in Spark; write the columns out",
            )
    for distinct in tree.find_all(exp.Distinct):
        if distinct.args.get("on"):
            yield _Spot(
                _line(distinct),
                "distinct on",
                "`distinct on` is not in Spark; write qualify row_number() = 1 over a full order",
            )
        elif isinstance(distinct.parent, exp.Count) and len(distinct.expressions) > 1:
            yield _Spot(
                _line(distinct),
                "function",
                "count(distinct a, b) differs; select distinct in a CTE and count its rows",
            )
    for query in tree.find_all(exp.Query):
        limited = query.args.get("limit") or query.args.get("offset")
        if limited and not query.args.get("order"):
            yield _Spot(
                _line(query),
                "limit",
                "limit without order by returns any rows; order by a full key, or use where false",
            )
        if query.args.get("by_name"):
            yield _Spot(
                _line(query), "syntax", "`union by name` is not in Spark; write the columns out"
            )
    for clause in tree.find_all(exp.With):
        if clause.args.get("recursive"):
            yield _Spot(
                _line(clause),
                "recursion",
                "`with recursive` stops at 100 levels on Spark; write unrolled steps in a macro",
            )
    for sample in tree.find_all(exp.TableSample):
        yield _Spot(_line(sample), "sample", f"a sample is random; {_NO_CHANCE}")
    for skipping in tree.find_all(exp.IgnoreNulls):
        yield _Spot(
            _line(skipping),
            "function",
            "`ignore nulls` stands elsewhere on Spark; filter NULLs first",
        )
    for part in tree.find_all(exp.Substring):
        start = part.args.get("start")
        if isinstance(start, exp.Literal) and start.name == "0":
            yield _Spot(
                _line(part), "function", "position 0 of substr differs; count characters from 1"
            )
    for end in tree.find_all(exp.Left, exp.Right):
        if isinstance(end.expression, exp.Neg):
            yield _Spot(
                _line(end), "function", "left / right of a negative length differs; use substr"
            )
    for field in tree.find_all(exp.Extract):
        if field.this.name.upper() not in _EXTRACTABLE:
            yield _Spot(
                _line(field),
                "function",
                f"extract({field.this.name.lower()} ...) differs; iso_weekday, or {_ENGINE}",
            )


def _window_spots(tree: exp.Expr) -> Iterator[_Spot]:
    """Windows over everything: Spark moves all rows to one task for them."""
    import sqlglot.expressions as exp

    for window in tree.find_all(exp.Window):
        if window.args.get("alias") or _partitioned(window):
            continue  # a window by its name is looked at where it is defined
        yield _Spot(
            _line(window),
            "window",
            "a window without partition by moves all rows to one task on Spark; "
            "partition it (by as_of at least), or aggregate and join",
        )


def _quoted_spots(tree: exp.Expr) -> Iterator[_Spot]:
    """Quoted names other than relations: "x" is a string on Spark."""
    import sqlglot.expressions as exp

    for name in tree.find_all(exp.Identifier):
        inside_pivot = name.find_ancestor(exp.Pivot) is not None
        if name.args.get("quoted") and not isinstance(name.parent, exp.Table) and not inside_pivot:
            yield _Spot(
                _line(name),
                "quotes",
                f'"{name.name}" is a string on Spark; use a plain lower-case name',
            )


@dataclass(frozen=True)
class _Scope:
    """What names stand for inside one query.

    Attributes:
        queries: CTEs by name, in lower case.
        relations: columns of relations of the warehouse by (schema, name).
        open: CTEs that are being looked into, so that one named like what it reads ends there.
    """

    queries: Mapping[str, exp.Expr]
    relations: Columns
    open: frozenset[str] = frozenset()


def _scope(query: exp.Expr, relations: Columns) -> _Scope:
    """The names that a query can see: its own CTEs and those of the queries around it."""
    queries: dict[str, exp.Expr] = {}
    node: exp.Expr | None = query
    while node is not None:
        clause = node.args.get("with_") or node.args.get("with")
        for cte in clause.expressions if clause is not None else []:
            queries.setdefault(cte.alias.lower(), cte.this)
        node = node.parent
    return _Scope(queries, relations)


def _sources(select: exp.Select) -> dict[str, exp.Expr]:
    """What a select reads, by the name it has there."""
    clauses = [select.args.get("from_") or select.args.get("from")]
    clauses.extend(select.args.get("joins") or [])
    return {clause.this.alias_or_name.lower(): clause.this for clause in clauses if clause}


def _relation_columns(source: exp.Expr, scope: _Scope) -> frozenset[str] | None:
    """The columns of one thing in FROM, or None where they are not known."""
    import sqlglot.expressions as exp

    if not isinstance(source, exp.Table):
        return _outputs(source, scope)
    name = source.name.lower()
    if source.db:
        return scope.relations.get((source.db.lower(), name))
    if name in scope.open or name not in scope.queries:
        return None
    return _outputs(
        scope.queries[name], _Scope(scope.queries, scope.relations, scope.open | {name})
    )


def _outputs(query: exp.Expr | None, scope: _Scope) -> frozenset[str] | None:
    """The column names that a query returns, or None where they are not known."""
    import sqlglot.expressions as exp

    while isinstance(query, exp.Subquery | exp.SetOperation):
        query = query.this  # names come from the first branch
    if not isinstance(query, exp.Select):
        return None
    sources = _sources(query)
    names: set[str] = set()
    for projection in query.expressions:
        if not projection.is_star:
            names.add(projection.alias_or_name.lower())
            continue
        table = projection.table.lower() if isinstance(projection, exp.Column) else ""
        read = [sources.get(table)] if table else list(sources.values())
        for source in read:
            columns = _relation_columns(source, scope) if source is not None else None
            if columns is None:
                return None
            names |= columns
    return frozenset(names)


def _known_columns(select: exp.Select, relations: Columns) -> frozenset[str] | None:
    """Every column that a select can read, or None where a source is not known."""
    scope = _scope(select, relations)
    known: set[str] = set()
    for source in _sources(select).values():
        columns = _relation_columns(source, scope)
        if columns is None:
            return None
        known |= columns
    return frozenset(known)


def _alias_spots(tree: exp.Expr, relations: Columns) -> Iterator[_Spot]:
    """Aliases used beside or below their definition, where only some engines and versions look.

    A name that is a column of a source means that column on every engine and is left alone, and so
    is a select one of whose sources is not known.
    """
    import sqlglot.expressions as exp

    for select in tree.find_all(exp.Select):
        known = _known_columns(select, relations)
        if known is None:
            continue
        seen: set[str] = set()
        clauses: list[exp.Expr] = list(select.expressions)
        where = select.args.get("where")
        if where is not None:
            clauses.append(where)
        for clause in clauses:
            for column in clause.find_all(exp.Column):
                same_scope = column.find_ancestor(exp.Select) is select
                if same_scope and not column.table and column.name.lower() in seen - known:
                    yield _Spot(
                        _line(column),
                        "alias",
                        f"`{column.name}` is an alias of the same select; compute it in an "
                        "earlier CTE",
                    )
            if isinstance(clause, exp.Alias):
                seen.add(clause.alias.lower())


_TREE_RULES: tuple[Callable[[Any], Iterator[_Spot]], ...] = (
    _cast_spots,
    _select_spots,
    _window_spots,
    _quoted_spots,
)


def _column_list_names(tree: exp.Expr) -> frozenset[str]:
    import sqlglot.expressions as exp

    return frozenset(
        alias.name.lower() for alias in tree.find_all(exp.TableAlias) if alias.args.get("columns")
    )


def _statement_spots(sql: str, relations: Columns) -> list[_Spot]:
    """All rules over one statement without engine regions."""
    sqlglot = _sqlglot()
    import sqlglot.expressions as exp

    dialect = sqlglot.Dialect.get_or_raise("duckdb")
    try:
        tokens = dialect.tokenize(sql)
        trees = [tree for tree in dialect.parser().parse(tokens, sql) if tree is not None]
    except sqlglot.errors.ParseError as error:
        first = error.errors[0] if error.errors else {}
        said = str(first.get("description") or "unreadable").rstrip(".")
        near = str(first.get("highlight") or "")
        return [
            _Spot(
                int(first.get("line") or 1),
                "syntax",
                f"cannot be read as SQL ({said}, at `{near}`); write it more plainly, or, where "
                "only one engine has it, put it into a macro of macros/engines/",
            )
        ]
    except sqlglot.errors.TokenError:
        return [_Spot(1, "syntax", "a string, name or comment is never closed")]
    spots: list[_Spot] = []
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        spots.append(_Spot(1, "syntax", "a model or test is exactly one select"))
    defined = frozenset[str]().union(*(_column_list_names(tree) for tree in trees))
    spots.extend(_call_spots(tokens, defined))
    spots.extend(_order_spots(tokens))
    spots.extend(_text_spots(tokens))
    for tree in trees:
        for rule in _TREE_RULES:
            spots.extend(rule(tree))
        spots.extend(_alias_spots(tree, relations))
    return spots


def _findings(spots: Iterable[_Spot], name: str) -> list[Finding]:
    return sorted({Finding(name, spot.line, spot.rule, spot.message) for spot in spots})


def lint_compiled(sql: str, name: str, relations: Columns | None = None) -> list[Finding]:
    """What one compiled model or data test says that the engines would not read alike.

    Args:
        sql: one SELECT in the DuckDB dialect, engine regions marked.
        name: the file, for the findings.
        relations: columns of the relations it may read; without them aliases are only judged where
            every source is a CTE that names its columns.

    Returns:
        Findings in order of line; lines are those of the compiled SQL.

    Raises:
        ClienteleError: sqlglot is not installed.
    """
    try:
        masked = _mask(sql)
    except _UnbalancedError as error:
        return [Finding(name, error.line, "engine markers", str(error))]
    return _findings(_statement_spots(masked, relations or {}), name)


# --------------------------------------------------------------------------------------------
# Second pass: source with Jinja
# --------------------------------------------------------------------------------------------

# Calls whose strings are names, settings or sentences and never SQL.
_NOT_SQL_CALLS: frozenset[str] = frozenset(
    {
        *("config", "ref", "source", "var", "env_var", "log", "print", "choice_var", "days_var"),
        *("raise_compiler_error", "exceptions.raise_compiler_error", "exceptions.warn"),
        *("adapter.dispatch", "adapter.get_relation", "load_result", "statement", "docs"),
    }
)

_JINJA_PART = re.compile(
    r"""(?P<string>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")
      | (?P<filter>\|\s*[A-Za-z_]\w*)
      | (?P<name>[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*)
      | (?P<open>\() | (?P<close>\))""",
    re.VERBOSE | re.DOTALL,
)
_JINJA_CLOCKS = re.compile(r"\b(run_started_at|modules\s*\.\s*(?:datetime|pytz))\b")
_TEXT_CAST = re.compile(r"(?:\bas\s+|::\s*)(varchar|text|char|bpchar)\b", re.IGNORECASE)
_CALL = re.compile(r"(?<![\w.])([A-Za-z_]\w*)(\s*)\(")


@dataclass(frozen=True)
class _Source:
    """Source text cut up by language.

    Attributes:
        sql: the SQL with every comment, string and Jinja tag blanked; same length and lines.
        blocks: Jinja tags: (offset, inside, whether it is an expression `{{ }}`).
        markers: offsets of engine markers.
        quoted: offsets of double-quoted names.
    """

    sql: str
    blocks: tuple[tuple[int, str, bool], ...]
    markers: tuple[int, ...]
    quoted: tuple[int, ...]


def _jinja_end(text: str, start: int, closing: str) -> int:
    """Offset behind the tag at `start`, not fooled by its closing sign inside a string."""
    part = re.compile(rf"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|{re.escape(closing)}", re.DOTALL)
    position = start + 2
    while (found := part.search(text, position)) is not None:
        if found.group() == closing:
            return found.end()
        position = found.end()
    return len(text)


def _cut_source(text: str) -> _Source:
    """Take Jinja and SQL apart, keeping offsets."""
    sql = list(text)
    blocks: list[tuple[int, str, bool]] = []
    markers: list[int] = []
    quoted: list[int] = []

    def blank(start: int, end: int, filler: str = "") -> None:
        for offset in range(start, end):
            if sql[offset] != "\n":
                sql[offset] = " "
        for offset, letter in enumerate(filler[: end - start]):
            sql[start + offset] = letter

    opener = re.compile(r"\{\{|\{%|\{#|'|\"|--|/\*")
    position = 0
    quote = ""  # the SQL quote that is open; Jinja is read inside it too
    quote_start = 0
    while (found := opener.search(text, position)) is not None:
        start, mark = found.start(), found.group()
        end = found.end()
        if mark == "{#":
            closing = text.find("#}", end)
            end = len(text) if closing < 0 else closing + 2
            blank(start, end)
        elif mark in ("{{", "{%"):
            end = _jinja_end(text, start, "}}" if mark == "{{" else "%}")
            blocks.append((start + 2, text[start + 2 : max(start + 2, end - 2)], mark == "{{"))
            blank(start, end, "jj" if mark == "{{" else "")
        elif quote:
            if mark == quote:
                blank(quote_start, end, "jj" if quote == '"' else "")
                quote = ""
        elif mark in ("'", '"'):
            quote, quote_start = mark, start
            if mark == '"':
                quoted.append(start)
        elif mark == "--":
            newline = text.find("\n", start)
            end = len(text) if newline < 0 else newline
            blank(start, end)
        else:
            end = _block_comment_end(text, start)
            if _MARKER.fullmatch(text, start, end):
                markers.append(start)
            blank(start, end)
        position = end
    if quote:
        blank(quote_start, len(text))
    return _Source("".join(sql), tuple(blocks), tuple(markers), tuple(quoted))


def _is_refused(function: str) -> bool:
    """Whether a name is known to differ. Unknown names are judged after compilation."""
    name = function.lower()
    if name in SAME_ON_BOTH:
        return False
    return name in ADVICE or any(name.startswith(prefix) for prefix, _ in ADVICE_BY_PREFIX)


def _word_spots(sql: str, text: str, offset: int, *, prose: bool = False) -> Iterator[_Spot]:
    """Clocks and refused functions by their words.

    Args:
        sql: SQL, or a string that may hold SQL.
        text: the whole source, for line numbers.
        offset: where `sql` stands in it.
        prose: the string may also be a sentence, in which "date (UTC)" is no call.
    """
    for call in _CALL.finditer(sql):
        name, gap = call.group(1), call.group(2)
        if _is_refused(name) and not (prose and gap):
            yield _refused_function(name, _line_at(text, offset + call.start()))
    for word in re.finditer(r"(?<![\w.])[A-Za-z_]+\b(?!\s*\()", sql):
        if word.group().lower() in CLOCK_WORDS:
            yield _refused_function(word.group(), _line_at(text, offset + word.start()))


def _argument_spots(argument: str, line: int) -> Iterator[_Spot]:
    """Rules over a string handed to a macro, where it can be read as one SQL expression."""
    sqlglot = _sqlglot()
    statement = f"select {argument}"
    try:
        sqlglot.parse_one(statement, read="duckdb")
    except sqlglot.errors.SqlglotError:
        return  # a part of an expression, or no SQL at all; words are looked at in any case
    for spot in _statement_spots(statement, {}):
        yield _Spot(line + spot.line - 1, spot.rule, spot.message)


def _jinja_spots(text: str, offset: int, inside: str, expression: bool) -> Iterator[_Spot]:
    """Rules over one Jinja tag: helpers of dbt, clocks, and strings that may be SQL."""
    for clock in _JINJA_CLOCKS.finditer(inside):
        yield _Spot(
            _line_at(text, offset + clock.start()),
            "clock",
            f"`{clock.group(1)}` reads the clock; {_NO_CLOCK}",
        )
    calls: list[str] = []
    last_name = ""
    for part in _JINJA_PART.finditer(inside):
        line = _line_at(text, offset + part.start())
        if part.group("name"):
            last_name = re.sub(r"\s+", "", part.group("name"))
            root, _, helper = last_name.partition(".")
            if root == "dbt" and helper in DBT_HELPERS:
                yield _Spot(
                    line,
                    "dbt helper",
                    f"`{last_name}` differs between engines; {DBT_HELPERS[helper]}",
                )
            continue
        if part.group("filter"):
            last_name = part.group("filter")
            continue
        if part.group("open"):
            calls.append(last_name)
        elif part.group("close"):
            if calls:
                calls.pop()
        elif not _NOT_SQL_CALLS.intersection(calls):
            string = part.group("string")[1:-1]
            start = offset + part.start() + 1
            yield from _word_spots(string, text, start, prose=True)
            innermost = calls[-1] if calls else ""
            if expression and re.fullmatch(r"(dbt\.)?\w+", innermost):
                yield from _argument_spots(string, line)
        last_name = ""


def lint_source(text: str, name: str) -> list[Finding]:
    """What one SQL file with Jinja says that the engines would not read alike.

    This catches arguments that vanish into engine regions, macros that nothing calls yet, and the
    helpers of dbt that differ. Everything else is left to `lint_compiled`.

    Args:
        text: the file as it is written.
        name: the file, for the findings.

    Raises:
        ClienteleError: sqlglot is not installed.
    """
    source = _cut_source(text)
    spots: list[_Spot] = [
        _Spot(
            _line_at(text, offset),
            "engine markers",
            "only macros of macros/engines/ may mark their output",
        )
        for offset in source.markers
    ]
    spots.extend(
        _Spot(
            _line_at(text, offset),
            "quotes",
            "a name in double quotes is a string on Spark; use a plain lower-case name",
        )
        for offset in source.quoted
    )
    spots.extend(_word_spots(source.sql, text, 0))
    for slash in re.finditer(r"//?", source.sql):
        kind = "DIV" if slash.group() == "//" else "SLASH"
        spots.append(_Spot(_line_at(text, slash.start()), *_TOKEN_RULES[kind]))
    for cast in _TEXT_CAST.finditer(source.sql):
        spots.append(
            _Spot(
                _line_at(text, cast.start()),
                "type",
                f"type {cast.group(1).lower()} is not in Spark; write string",
            )
        )
    for offset, inside, expression in source.blocks:
        spots.extend(_jinja_spots(text, offset, inside, expression))
    return _findings(spots, name)


# --------------------------------------------------------------------------------------------
# The whole project
# --------------------------------------------------------------------------------------------


def _source_files(project_dir: Path) -> list[Path]:
    """The SQL that people write outside macros/engines/, relative to the project."""
    files = [
        path.relative_to(project_dir)
        for folder in ("models", "tests/data", "macros")
        for path in sorted((project_dir / folder).rglob("*.sql"))
    ]
    return [path for path in files if not path.is_relative_to(ENGINE_MACROS)]


def _compiled_nodes(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The models and data tests of the project itself, in order of file and id."""
    project = manifest.get("metadata", {}).get("project_name")
    nodes = [
        node
        for node in manifest.get("nodes", {}).values()
        if node.get("resource_type") in {"model", "test"}
        and project in (None, node.get("package_name"))
    ]
    return sorted(nodes, key=lambda node: (node["original_file_path"], node["unique_id"]))


def _seed_columns(node: Mapping[str, Any], project_dir: Path) -> frozenset[str] | None:
    """The header of a seed, or None where the file is not there."""
    try:
        with (project_dir / str(node["original_file_path"])).open(encoding="utf-8-sig") as seed:
            header = next(csv.reader(seed), [])
    except OSError:
        return None
    return frozenset(column.strip().lower() for column in header)


def _model_columns(sql: str, relations: Columns) -> frozenset[str] | None:
    """The columns that compiled SQL returns, or None where they cannot be told."""
    sqlglot = _sqlglot()
    try:
        tree = sqlglot.parse_one(_mask(sql), read="duckdb")
    except (_UnbalancedError, sqlglot.errors.SqlglotError):
        return None  # the lint of the model itself says why
    return _outputs(tree, _scope(tree, relations))


def relation_columns(manifest: Mapping[str, Any], project_dir: Path) -> Columns:
    """The columns of sources (as described), seeds (as headed) and models (as compiled).

    Relations whose columns cannot be told are left out.
    """
    columns: dict[tuple[str, str], frozenset[str]] = {}
    for source in manifest.get("sources", {}).values():
        if source.get("columns"):
            key = (str(source["schema"]).lower(), str(source["identifier"]).lower())
            columns[key] = frozenset(name.lower() for name in source["columns"])
    nodes = {
        unique_id: node
        for unique_id, node in manifest.get("nodes", {}).items()
        if node.get("resource_type") in {"model", "seed"}
    }
    order = graphlib.TopologicalSorter(
        {
            unique_id: set(node.get("depends_on", {}).get("nodes", [])) & nodes.keys()
            for unique_id, node in sorted(nodes.items())
        }
    )
    for unique_id in order.static_order():
        node = nodes[unique_id]
        if node["resource_type"] == "seed":
            found = _seed_columns(node, project_dir)
        else:
            found = _model_columns(str(node.get("compiled_code") or ""), columns)
        if found is not None:
            name = str(node.get("alias") or node["name"])
            columns[(str(node.get("schema", "")).lower(), name.lower())] = found
    return columns


def _lint_node(node: Mapping[str, Any], relations: Columns) -> list[Finding]:
    path = str(node["original_file_path"])
    if not path.endswith(".sql"):
        # A generic test is written in YAML; its own name says which of the many it is.
        path = f"{path} [{node['name']}]"
    if node.get("language", "sql") != "sql":
        return [Finding(path, 1, "language", "Python models do not run on Spark; write SQL")]
    compiled = node.get("compiled_code")
    if not compiled:
        return [Finding(path, 1, "compiled", "has no compiled SQL; run dbt compile first")]
    return lint_compiled(str(compiled), f"{path} (compiled)", relations)


def lint_project(manifest: Mapping[str, Any], project_dir: Path) -> list[Finding]:
    """Both passes over a project.

    Args:
        manifest: dbt's manifest.json after `dbt compile`, on a target whose SQL is DuckDB's.
        project_dir: the folder of dbt_project.yml.

    Raises:
        ClienteleError: sqlglot is not installed, nothing in the manifest is compiled, or a file
            is not UTF-8.
    """
    nodes = _compiled_nodes(manifest)
    if not any(node.get("compiled_code") for node in nodes):
        raise ClienteleError(
            "the manifest holds no compiled SQL",
            where="the portability lint",
            remedy="run `dbt compile` and lint again",
        )
    relations = relation_columns(manifest, project_dir)
    findings = [finding for node in nodes for finding in _lint_node(node, relations)]
    for path in _source_files(project_dir):
        try:
            text = (project_dir / path).read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ClienteleError(
                "the file is not UTF-8", where=path.as_posix(), remedy="save it as UTF-8"
            ) from error
        findings.extend(lint_source(text, path.as_posix()))
    return sorted(set(findings))


def main(argv: Sequence[str] | None = None) -> int:
    """Print one line per finding; 0 when there are none, 1 for findings or a fault."""
    parser = argparse.ArgumentParser(
        prog="python -m orchestration.portability",
        description="Refuse SQL that DuckDB and Spark do not read alike.",
    )
    parser.add_argument("--manifest", type=Path, default=Path("target/manifest.json"))
    parser.add_argument("--project-dir", type=Path, default=Path())
    options = parser.parse_args(argv)
    try:
        findings = lint_project(read_manifest(options.manifest), options.project_dir)
    except ClienteleError as error:
        print(error.sentence, file=sys.stderr)
        return 1
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
