"""Which tables, columns and measures an expression in DAX names, and which of them are not there.

It knows no functions: whether an expression is DAX at all, only Power BI says.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from pipeline.suggest import did_you_mean
from powerbi.model import Model

TOKEN = re.compile(
    r"""(?P<text>"(?:[^"]|"")*")|(?P<comment>//[^\n]*|--[^\n]*|/\*.*?\*/)"""
    r"""|(?P<quoted>'(?:[^']|'')*')|(?P<bracket>\[(?:[^\]]|\]\])*\])"""
    r"""|(?P<number>\d[\d.eE]*)|(?P<word>[A-Za-z_][\w.]*)|(?P<space>\s+)|(?P<other>.)""",
    re.DOTALL,
)
WORDS = frozenset({"VAR", "RETURN", "IN", "NOT", "TRUE", "FALSE", "ASC", "DESC"})
PASSED = frozenset({"text", "comment", "number", "space"})


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str

    @property
    def name(self) -> str:
        if self.kind == "quoted":
            return self.text[1:-1].replace("''", "'")
        if self.kind == "bracket":
            return self.text[1:-1].replace("]]", "]")
        return self.text


END = _Token("end", "")


def mistakes(expression: str, model: Model) -> Iterator[str]:
    """What an expression names that the model does not have."""
    tokens = _tokens(expression)
    variables = {after.text for one, after in pairwise(tokens) if _is_var(one)}
    triples = zip([END, *tokens], tokens, [*tokens[1:], END], strict=False)
    for before, token, after in triples:
        if token.kind == "bracket":
            yield from _field(before, token, model)
        elif token.kind == "quoted" or (token.kind == "word" and after.text != "("):
            yield from _table(token, variables, model)


def _tokens(expression: str) -> list[_Token]:
    found = TOKEN.finditer(expression)
    return [_Token(m.lastgroup or "", m.group()) for m in found if m.lastgroup not in PASSED]


def _is_var(token: _Token) -> bool:
    return token.kind == "word" and token.text.upper() == "VAR"


def _field(before: _Token, token: _Token, model: Model) -> Iterator[str]:
    if before.kind in {"quoted", "word"} and before.text.upper() not in WORDS:
        if before.name in model.tables:
            yield from _missing(before.name, token.name, model.fields(before.name))
        return
    measures = [measure.name for _, measure in model.measures]
    if token.name not in measures:
        yield f"there is no measure [{token.name}]{did_you_mean(token.name, measures)}"


def _missing(table: str, name: str, fields: Mapping[str, object]) -> Iterator[str]:
    if name not in fields:
        yield f"{table} has no column {name}{did_you_mean(name, fields)}"


def _table(token: _Token, variables: set[str], model: Model) -> Iterator[str]:
    is_variable = token.kind == "word" and (token.text.upper() in WORDS or token.text in variables)
    if not is_variable and token.name not in model.tables:
        yield f"there is no table {token.name}{did_you_mean(token.name, model.tables)}"
