"""The SQL that a query may use. sqlglot parses far more SQL than ksqlDB; the rest is refused."""

from collections.abc import Iterator, Mapping

from sqlglot import exp

from pipeline.sql.statements import Query, Statement, offset_of

PAIR = frozenset({"this", "expression"})
PARTS: Mapping[type[exp.Expression], frozenset[str]] = {
    exp.Select: frozenset({"expressions", "from_", "joins", "where", "group", "having"}),
    exp.From: frozenset({"this"}),
    exp.Table: frozenset({"this", "alias"}),
    exp.TableAlias: frozenset({"this"}),
    exp.Join: frozenset({"this", "on", "side", "kind"}),
    exp.Where: frozenset({"this"}),
    exp.Group: frozenset({"expressions"}),
    exp.Having: frozenset({"this"}),
    exp.Alias: frozenset({"this", "alias"}),
    exp.Column: frozenset({"this", "table"}),
    exp.Identifier: frozenset({"this", "quoted"}),
    exp.Literal: frozenset({"this", "is_string"}),
    exp.Boolean: frozenset({"this"}),
    exp.Null: frozenset(),
    exp.Star: frozenset(),
    exp.Paren: frozenset({"this"}),
    exp.Anonymous: frozenset({"this", "expressions"}),
    exp.Cast: frozenset({"this", "to"}),
    exp.DataType: frozenset({"this", "expressions"}),
    exp.DataTypeParam: frozenset({"this"}),
    exp.Case: frozenset({"this", "ifs", "default"}),
    exp.If: frozenset({"this", "true"}),
    exp.In: frozenset({"this", "expressions"}),
    exp.Between: frozenset({"this", "low", "high"}),
    exp.Not: frozenset({"this"}),
    exp.Neg: frozenset({"this"}),
    exp.Like: PAIR | {"negate"},
    **dict.fromkeys(
        (
            exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.And, exp.Or, exp.Is, exp.Escape,
            exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE,
        ),
        PAIR,
    ),
}  # fmt: skip
INSTEAD = {
    "DPipe": "||: write CONCAT(…)",
    "Distinct": "DISTINCT: write COUNT_DISTINCT(…)",
    "NullSafeEQ": "IS NOT DISTINCT FROM",
    "NullSafeNEQ": "IS DISTINCT FROM",
    "Tuple": "a list in parentheses: remove the parentheses",
    "Subquery": "a subquery: make it a statement of its own",
    "Window": "OVER: write GROUP BY",
    "ILike": "ILIKE: write LCASE(…) LIKE …",
}
WORDS = {
    "with_": "WITH: make it a statement of its own",
    "distinct": "DISTINCT: write GROUP BY",
    "sample": "TABLESAMPLE",
    "db": "a qualified name: write a source as <name>, a column as <name> or <source>.<name>",
    "laterals": "LATERAL",
    "locks": "FOR UPDATE",
    "method": "NATURAL JOIN: write ON …",
    "using": "USING: write ON …",
    "query": "IN (SELECT …): write a JOIN",
    "all": "GROUP BY ALL: name the columns",
}


def check(statement: Statement, query: Query) -> None:
    """Checks that a query uses only the SQL in PARTS.

    Raises:
        SpecError: the query uses other SQL. It has the place and the name of the first such part.
    """
    roots = [query.select, *([query.partition_by] if query.partition_by is not None else [])]
    for root in roots:
        for node in root.find_all(exp.Expression):
            for part, name in _unknown(node):
                known = part if offset_of(part, -1) >= 0 else node
                what, _, instead = name.partition(": ")
                hint = f": {instead}" if instead else ""
                statement.refuse(known, f"{what} does not run on both targets{hint}")


def _unknown(node: exp.Expression) -> Iterator[tuple[exp.Expression, str]]:
    parts = PARTS.get(type(node))
    if parts is None:
        name = type(node).__name__
        yield node, INSTEAD.get(name, name)
        return
    for part, value in node.args.items():
        if value and part not in parts:
            first = value[0] if isinstance(value, list) else value
            place = first if isinstance(first, exp.Expression) else node
            yield place, WORDS.get(part, part.strip("_").upper())
