"""Each expression of the model is DAX or M to a parser, and what it names is in the model."""

from collections.abc import Iterator
from typing import Any

import pbi_parsers.dax as dax_parser
import pbi_parsers.pq as m_parser
import pytest

from pipeline.paths import REPOSITORY
from powerbi import build, dax
from tests.powerbi.sources import SOURCES

MODEL = build.load(REPOSITORY).model
MEASURES = {measure.name: measure.value or "" for _, measure in MODEL.measures}


def _fails(parser: Any, text: str) -> bool:
    """Whether the parser refuses a text. It says so with bare errors, or with nothing."""
    try:
        return parser.to_ast(text) is None
    except Exception:
        return True


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_is_dax(name: str) -> None:
    assert not _fails(dax_parser, MEASURES[name])


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_is_m(name: str) -> None:
    assert not _fails(m_parser, SOURCES[name])


@pytest.mark.parametrize("text", ["SUM(", "SUM(Alerts[is_open]) 2", 'IF(TRUE(), "x)'])
def test_the_parser_sees_what_is_no_dax(text: str) -> None:
    assert _fails(dax_parser, text)


@pytest.mark.parametrize(
    ("old", "new"), [("Server, D", "Server D"), ("in", ""), ("(Server, ", "Server, ")]
)
def test_the_parser_sees_what_is_no_m(old: str, new: str) -> None:
    text = SOURCES["Clock"]
    assert old in text
    assert _fails(m_parser, text.replace(old, new))


def _columns(node: Any) -> Iterator[tuple[str, str]]:
    """The columns that a parsed expression names, each with its table."""
    if isinstance(node, dax_parser.exprs.ColumnExpression):
        yield node.table.text.strip("'"), node.column.text.strip("[]")
    values = vars(node).values() if hasattr(node, "__dict__") else ()
    for value in values:
        for each in value if isinstance(value, list | tuple) else [value]:
            if isinstance(each, dax_parser.Expression):
                yield from _columns(each)


@pytest.mark.parametrize("name", MEASURES)
def test_what_a_measure_names_is_in_the_model(name: str) -> None:
    assert list(dax.mistakes(MEASURES[name], MODEL)) == []
    named = list(_columns(dax_parser.to_ast(MEASURES[name])))
    assert all(column in MODEL.fields(table) for table, column in named)
    assert named or "[" not in MEASURES[name]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("SUM(Ghost[x])", ["there is no table Ghost"]),
        ("COUNTROWS('A''s')", ["there is no table A's"]),
        ("SUM(Alerts[is open])", ["Alerts has no column is open; did you mean is_open?"]),
        ('COUNTROWS(Alerts) + LEN("Ghost[x]") -- Ghost', []),
        ("VAR a = 1 RETURN a + b", ["there is no table b"]),
        ("[Census] / [Cenus]", ["there is no measure [Cenus]; did you mean Census?"]),
        ("CALCULATE([Census], NOT Alerts[is_open] IN {1, 2})", []),
    ],
)  # fmt: skip
def test_names_in_dax_are_looked_up(text: str, told: list[str]) -> None:
    assert list(dax.mistakes(text, MODEL)) == told
