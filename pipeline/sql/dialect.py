"""ksqlDB's dialect of SQL: its keywords, types and limits, and a sqlglot dialect for its SELECT."""

import re
from typing import Any, ClassVar

from sqlglot import parser, tokens
from sqlglot.dialects.dialect import Dialect

TYPES = {
    "VARCHAR": "STRING",
    "STRING": "STRING",
    "INT": "INTEGER",
    "INTEGER": "INTEGER",
    "BIGINT": "BIGINT",
    "DOUBLE": "DOUBLE",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP",
}
# Flink's DECIMAL has at most 38 digits, ksqlDB's any number.
DECIMAL = re.compile(r"DECIMAL *\( *(\d+) *, *(\d+) *\)")
MOST_DIGITS = 38
MILLIS = {"SECOND": 1000, "MINUTE": 60_000, "HOUR": 3_600_000, "DAY": 86_400_000}
FORMATS = {
    "KEY_FORMAT": ("KAFKA", "DELIMITED"),
    "VALUE_FORMAT": ("AVRO",),
}
# ksqlDB adds CLEANUP_POLICY and REPLICAS to the statements that it lists.
PROPERTIES = {
    "KAFKA_TOPIC", "KEY_FORMAT", "VALUE_FORMAT", "FORMAT", "TIMESTAMP", "PARTITIONS",
    "RETENTION_MS", "CLEANUP_POLICY", "REPLICAS",
}  # fmt: skip
# ksqlDB's SystemColumns.
RESERVED = {"ROWTIME", "ROWPARTITION", "ROWOFFSET", "WINDOWSTART", "WINDOWEND"}


class Ksql(Dialect):
    """ksqlDB's dialect for sqlglot: its quotes, and no functions with sqlglot's own meaning."""

    class Tokenizer(tokens.Tokenizer):
        """Names are quoted by backticks or double quotes."""

        IDENTIFIERS: ClassVar[list[Any]] = ["`", '"']

    class Parser(parser.Parser):
        """Parses every function as anonymous, except CAST, which has its own syntax."""

        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        NO_PAREN_FUNCTIONS: ClassVar[dict[Any, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
            "CAST": parser.Parser.FUNCTION_PARSERS["CAST"]
        }


def type_of(written: str) -> str:
    """The standard name of a type: a value of TYPES, or DECIMAL(p, s). "" if it is neither."""
    decimal = DECIMAL.fullmatch(written.upper())
    if decimal is None:
        return TYPES.get(written.upper(), "")
    precision, scale = int(decimal.group(1)), int(decimal.group(2))
    fits = 1 <= precision <= MOST_DIGITS and scale <= precision
    return f"DECIMAL({precision}, {scale})" if fits else ""


def is_reserved(name: str) -> bool:
    """Whether ksqlDB or the translation uses the name, so that no column may have it."""
    return name in RESERVED or name.startswith("__")


def reserved(name: str) -> str:
    """The message about a reserved name."""
    return f"{name} is reserved: use another name"
