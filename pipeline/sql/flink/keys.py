"""Checks and translates the keys that a query joins, groups and partitions by."""

from sqlglot import exp

from pipeline.sql.flink.expressions import Scope, Typed, translate
from pipeline.sql.flink.joins import Input
from pipeline.sql.flink.tables import Relation
from pipeline.sql.statements import Query, Statement


def check_sources(statement: Statement, query: Query, sources: list[Relation]) -> None:
    """Checks a query's sources as ksqlDB does (Analyzer, JoinNode).

    Raises:
        SpecError: a source is joined with itself, or WITHIN is not in a join of two streams.
    """
    if len({source.name for source in sources}) < len(sources):
        statement.refuse(query.select, "ksqlDB cannot join a source with itself")
    of_streams = len(sources) == 2 and not any(source.is_table for source in sources)
    if query.within_ms is not None and not of_streams:
        statement.refuse(query.select, "WITHIN is only for a join of two streams: remove it")


def check_join(statement: Statement, query: Query, input_: Input) -> None:
    """Checks that both sides of ON have one type (LogicalPlanner.verifyJoinConditionTypes).

    Raises:
        SpecError: they have different types.
    """
    for join in query.select.args.get("joins") or ():
        on = join.args["on"]
        scope = Scope(statement, input_.columns)
        types = translate(on.this, scope).type, translate(on.expression, scope).type
        if types[0] != types[1]:
            statement.refuse(
                on, f"ON compares {types[0]} with {types[1]}: CAST one in a statement before"
            )


def check_key_format(statement: Statement, sources: list[Relation], keys: int) -> None:
    """Checks KEY_FORMAT: DELIMITED for a key of several columns, KAFKA for one column.

    Without KEY_FORMAT, ksqlDB uses the source's format (Analyzer.visitQuery, keyFormatName).

    Raises:
        SpecError: ksqlDB would write the key in another format.
    """
    wanted = "DELIMITED" if keys > 1 else "KAFKA"
    inherited = {"DELIMITED" if len(source.keys) > 1 else "KAFKA" for source in sources}
    stated = statement.properties.get("KEY_FORMAT")
    if stated is None and inherited == {wanted}:
        return
    if stated != wanted:
        key = "the key has several columns" if keys > 1 else "the key is one column"
        statement.refuse_property("KEY_FORMAT", f"{key}: write KEY_FORMAT = '{wanted}'")


def group_keys(statement: Statement, query: Query, input_: Input) -> tuple[Typed, ...]:
    """The translated expressions of GROUP BY.

    Raises:
        SpecError: the engines write a key of such a type differently.
    """
    scope = Scope(statement, input_.columns)
    nodes = query.select.args["group"].expressions
    keys = tuple(translate(node, scope) for node in nodes)
    # With a window, the key on Flink is CSV text, as a key of several columns is.
    wanted = {"STRING"} if len(keys) == 1 and not query.window else {"STRING", "INTEGER", "BIGINT"}
    for node, key in zip(nodes, keys, strict=True):
        if key.type not in wanted:
            kinds = " or ".join("VARCHAR" if t == "STRING" else t for t in sorted(wanted))
            statement.refuse(node, f"the key must be {kinds}, this is {key.type}: CAST it")
    return keys


def partitioned(node: exp.Expression, input_: Input, scope: Scope) -> tuple[Typed, ...]:
    """The translated expression of PARTITION BY.

    Raises:
        SpecError: it is not a VARCHAR, or the query reads a table.
    """
    if input_.is_table:
        scope.refuse(node, "PARTITION BY is only for streams: a table keeps its key")
    key = translate(node, scope)
    if key.type != "STRING":
        scope.refuse(node, f"PARTITION BY takes a VARCHAR, this is {key.type}: CAST it")
    return (key,)
