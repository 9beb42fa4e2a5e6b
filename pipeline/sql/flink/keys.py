"""What a query is joined, grouped and partitioned by."""

from sqlglot import exp

from pipeline.sql.flink.expressions import Scope, Typed, translate
from pipeline.sql.flink.joins import Input
from pipeline.sql.flink.tables import Relation
from pipeline.sql.statements import Query, Statement


def check_sources(statement: Statement, query: Query, sources: list[Relation]) -> None:
    """Two different sources; WITHIN is for streams (Analyzer, JoinNode).

    Raises:
        SpecError: they are not.
    """
    if len({source.name for source in sources}) < len(sources):
        statement.refuse(query.select, "ksqlDB does not join a source with itself")
    of_streams = len(sources) == 2 and not any(source.is_table for source in sources)
    if query.within_ms is not None and not of_streams:
        statement.refuse(query.select, "WITHIN is for two streams: a table is joined as it is")


def check_join(statement: Statement, query: Query, found: Input) -> None:
    """ON compares values of one type (LogicalPlanner.verifyJoinConditionTypes).

    Raises:
        SpecError: it does not.
    """
    for join in query.select.args.get("joins") or ():
        on = join.args["on"]
        scope = Scope(statement, found.columns)
        types = translate(on.this, scope).type, translate(on.expression, scope).type
        if types[0] != types[1]:
            statement.refuse(on, f"ON compares {types[0]} with {types[1]}: CAST one before")


def check_key_format(statement: Statement, sources: list[Relation], keys: int) -> None:
    """Several columns are a key as DELIMITED text, one is as KAFKA; a source's format is kept.

    Raises:
        SpecError: ksqlDB would write another format (Analyzer.visitQuery, keyFormatName).
    """
    wanted = "DELIMITED" if keys > 1 else "KAFKA"
    inherited = {"DELIMITED" if len(source.keys) > 1 else "KAFKA" for source in sources}
    stated = statement.properties.get("KEY_FORMAT")
    if stated is None and inherited == {wanted}:
        return
    if stated != wanted:
        several = "several columns are the key" if keys > 1 else "one column is the key"
        statement.refuse_property("KEY_FORMAT", f"{several}: say KEY_FORMAT = '{wanted}'")


def group_keys(statement: Statement, query: Query, found: Input) -> tuple[Typed, ...]:
    """What rows are grouped by.

    Raises:
        SpecError: it is of a type whose key the engines write differently.
    """
    scope = Scope(statement, found.columns)
    nodes = query.select.args["group"].expressions
    keys = tuple(translate(node, scope) for node in nodes)
    # Of a window, the key is a text on Flink.
    wanted = {"STRING"} if len(keys) == 1 and not query.window else {"STRING", "INTEGER", "BIGINT"}
    for node, key in zip(nodes, keys, strict=True):
        if key.type not in wanted:
            statement.refuse(node, f"a key is a VARCHAR here, this is {key.type}: CAST it")
    return keys


def partitioned(node: exp.Expression, found: Input, scope: Scope) -> tuple[Typed, ...]:
    """What a stream is partitioned by.

    Raises:
        SpecError: it is no VARCHAR, or of a table.
    """
    if found.is_table:
        scope.refuse(node, "a table has its key: PARTITION BY is for streams")
    key = translate(node, scope)
    if key.type != "STRING":
        scope.refuse(node, f"PARTITION BY takes a VARCHAR, this is {key.type}: CAST it")
    return (key,)
