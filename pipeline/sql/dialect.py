"""ksqlDB's dialect of SQL: its words, types and limits, and sqlglot's parser for its SELECT."""

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
# CLEANUP_POLICY and REPLICAS are ksqlDB's own, in what it says that it runs.
PROPERTIES = {
    "KAFKA_TOPIC", "KEY_FORMAT", "VALUE_FORMAT", "FORMAT", "TIMESTAMP", "PARTITIONS",
    "RETENTION_MS", "CLEANUP_POLICY", "REPLICAS",
}  # fmt: skip
# ksqlDB's SystemColumns.
RESERVED = {"ROWTIME", "ROWPARTITION", "ROWOFFSET", "WINDOWSTART", "WINDOWEND"}


class Ksql(Dialect):
    """ksqlDB for sqlglot: its quotes, and no function that sqlglot would give its own meaning."""

    class Tokenizer(tokens.Tokenizer):
        """Names are quoted by backticks or double quotes."""

        IDENTIFIERS: ClassVar[list[Any]] = ["`", '"']

    class Parser(parser.Parser):
        """Every function is anonymous, but CAST, which has a syntax of its own."""

        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        NO_PAREN_FUNCTIONS: ClassVar[dict[Any, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
            "CAST": parser.Parser.FUNCTION_PARSERS["CAST"]
        }


def type_of(written: str) -> str:
    """A type as it is called here: one of TYPES, or DECIMAL(p, s); "" if it is neither."""
    found = DECIMAL.fullmatch(written.upper())
    if found is None:
        return TYPES.get(written.upper(), "")
    precision, scale = int(found.group(1)), int(found.group(2))
    fits = 1 <= precision <= MOST_DIGITS and scale <= precision
    return f"DECIMAL({precision}, {scale})" if fits else ""


def is_reserved(name: str) -> bool:
    """Whether no column may have this name: ksqlDB's own, and the translation's."""
    return name in RESERVED or name.startswith("__")


def reserved(name: str) -> str:
    """What to say of such a name."""
    return f"{name} is a name of the engine's own: call it otherwise"
