"""Whether ksqlDB accepts the topics of its queries."""

from collections.abc import Iterable, Mapping

from pipeline.resources.topic import WEEK_MS, Topic
from pipeline.sql.statements import Statement


def check_topics(statements: Iterable[Statement], topics: Mapping[str, Topic]) -> None:
    """Checks that ksqlDB accepts the topics that topics.yaml declares for its queries.

    ksqlDB accepts an existing topic only if its partitions and its retention are as in the
    statement's WITH, or else as in the first topic that the query reads. It ignores the retention
    of a table without a window. See TopicCreateInjector and TopicValidationUtil in
    github.com/confluentinc/ksql.

    Raises:
        SpecError: ksqlDB would refuse a topic; the message has both solutions.
    """
    topic_of = {statement.name: statement.topic for statement in statements}
    for statement in statements:
        source = topics.get(topic_of.get(next(iter(statement.sources), ""), ""))
        target = topics.get(statement.topic)
        if target is None or source is None or statement.query is None:
            continue
        _check(statement, "PARTITIONS", str(target.partitions), str(source.partitions))
        if statement.kind == "STREAM" or statement.query.window:
            _check(statement, "RETENTION_MS", _retention(target), _retention(source))


def _check(statement: Statement, key: str, declared: str, of_source: str) -> None:
    expected = statement.properties.get(key, of_source)
    if expected != declared:
        statement.refuse(
            None,
            f"ksqlDB expects {key} {expected} for the topic {statement.topic}, but topics.yaml"
            f" has {declared}: add WITH ({key} = {declared}), or change topics.yaml",
        )


def _retention(topic: Topic) -> str:
    return topic.config.get("retention.ms", str(WEEK_MS))
