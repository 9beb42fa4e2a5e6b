"""The ksqlDB deployer over HTTP, against answers as a ksqlDB of Platform 8.3 gave them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from pipeline.change import Action, Change
from pipeline.clients.ksqldb import KsqlDb
from pipeline.engines import ksqldb
from pipeline.engines.ksqldb import KsqlDbEngine, queries
from pipeline.engines.topics import check_topics
from pipeline.errors import DeadlineError, PipelineError, ServiceError, SpecError
from pipeline.live import Line, LiveQuery
from pipeline.paths import REPOSITORY
from pipeline.plan import compare
from pipeline.repository.connections import at
from pipeline.repository.loader import load
from pipeline.resources.query import Queries
from pipeline.resources.resource import Run
from pipeline.resources.topic import Topic
from pipeline.services import Services
from pipeline.sql import reader
from pipeline.sql.comparison import canonical
from tests.support.compose import KNOWN
from tests.support.notes import Notes
from tests.support.plans import DESIRED, LIVE
from tests.support.serving import serving

TEXT = """
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM a (id VARCHAR KEY, n INTEGER) WITH (KAFKA_TOPIC = 'a', VALUE_FORMAT = 'AVRO');
CREATE STREAM b WITH (KAFKA_TOPIC = 'b') AS
  SELECT id, n + 1 AS m
  FROM a
  EMIT CHANGES;
"""
STATEMENTS = tuple(reader.parse(Path("ksql/test.sql"), TEXT))
BUSY = {
    "@type": "generic_error",
    "error_code": 50000,
    "message": "Could not write the statement '...' into the command topic.\nCaused by: Timeout"
    " while waiting for command topic consumer to process command",
}
# Records of the topic that they read.
WRITTEN = 3
# As ksqlDB gives them back: qualified, in parentheses, with properties of its own.
AS_LIVE = {
    "A": "CREATE STREAM A (ID STRING KEY, N INTEGER) WITH (CLEANUP_POLICY='delete',"
    " KAFKA_TOPIC='a', KEY_FORMAT='KAFKA', VALUE_FORMAT='AVRO');",
    "B": "CREATE STREAM B WITH (CLEANUP_POLICY='delete', KAFKA_TOPIC='b', PARTITIONS=4,"
    " REPLICAS=1, RETENTION_MS=604800000) AS SELECT\n  A.ID ID,\n  (A.N + 1) M\nFROM A A\n"
    "EMIT CHANGES;",
}


class Server:
    """Answers as a server that has `statements`, and keeps what it was sent.

    A query that is paused is still RUNNING, but for its counts; one that is terminated is gone, and
    what it wrote has no writer. For each item of `busy`, a statement times out; it has been taken
    nevertheless if the item is true.
    """

    def __init__(self) -> None:
        self.statements = dict(AS_LIVE)
        self.state = "RUNNING"
        self.is_paused = False
        self.is_terminated = False
        self.busy: list[bool] = []
        self.is_healthy = True
        self.refusal: dict[str, Any] | None = None
        self.sent: list[dict[str, Any]] = []
        self.read = 0
        self.url = ""

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if path == "/info":
            return 200, {"KsqlServerInfo": {"version": "0.29.0"}}
        if method == "GET":
            command_runner = {"isHealthy": self.is_healthy}
            details = {"metastore": {"isHealthy": True}, "commandRunner": command_runner}
            return 200, {"isHealthy": self.is_healthy, "details": details}
        if body["ksql"].startswith("SHOW"):
            return 200, self.descriptions()
        if body["ksql"].startswith("DESCRIBE"):
            return 200, [{"@type": "sourceDescription", "sourceDescription": self.offsets()}]
        self.sent.append(body)
        return self.told(body["ksql"])

    def told(self, text: str) -> tuple[int, Any]:
        """The answer to a statement."""
        if self.busy:
            if self.busy.pop(0):
                self.take(text)
            return 500, BUSY
        if self.refusal:
            return 400, self.refusal
        self.take(text)
        status = {"status": "SUCCESS", "message": "Created"}
        return 200, [{"@type": "currentStatus", "commandStatus": status}]

    def offsets(self) -> dict[str, Any]:
        """A reader that commits one more record each time it is asked."""
        self.read += 1
        offsets = {"partition": 0, "logStartOffset": 0, "logEndOffset": WRITTEN}
        topic = {"kafkaTopic": "a", "offsets": [{**offsets, "consumerOffset": self.read}]}
        return {"queryOffsetSummaries": [{"groupId": "g", "topicSummaries": [topic]}]}

    def take(self, text: str) -> None:
        words = text.replace("`", "").replace(";", "").split()
        if words[0] == "RESUME":
            self.is_paused = False
            return
        if words[0] == "DROP":
            del self.statements[words[2]]
            return
        if words[1] == "OR":
            self.state = "RUNNING"
        self.is_terminated = False
        name = words[words.index("STREAM") + 1].upper()
        self.statements[name] = AS_LIVE.get(name, text)

    def descriptions(self) -> list[dict[str, Any]]:
        counts = {"PAUSED" if self.is_paused else self.state: 1}
        query = {
            "id": "CSAS_B_1", "state": self.state, "statusCount": counts, "sinks": ["B"],
            "queryString": "",
        }  # fmt: skip
        queries = [] if self.is_terminated or "B" not in self.statements else [query]
        found = [
            {
                "name": name,
                "type": "STREAM",
                "statement": text,
                "readQueries": queries if name == "A" else [],
                "writeQueries": queries if name == "B" else [],
            }
            for name, text in self.statements.items()
        ]
        return [{"@type": "source_descriptions", "sourceDescriptions": found, "warnings": []}]


@pytest.fixture
def server() -> Iterator[Server]:
    started = Server()
    with serving(started.answer) as started.url:
        yield started


@pytest.fixture
def engine(server: Server) -> KsqlDbEngine:
    return KsqlDbEngine(KsqlDb(at(server.url)), STATEMENTS)


A, B = queries(STATEMENTS)


def _changes(engine: KsqlDbEngine) -> tuple[Change, ...]:
    desired = replace(DESIRED, queries=(A, B))
    live = {**LIVE, "query": engine.running()}
    return compare(desired, live).changes


def _actions(engine: KsqlDbEngine) -> list[tuple[str, Action]]:
    return [(change.name, change.action) for change in _changes(engine)]


def test_what_runs_as_declared_is_unchanged_however_ksqldb_writes_it(engine: KsqlDbEngine) -> None:
    assert _actions(engine) == []


def test_what_is_missing_is_created_with_the_files_settings(
    server: Server, engine: KsqlDbEngine
) -> None:
    server.statements.clear()
    assert _actions(engine) == [("A", Action.CREATE), ("B", Action.CREATE)]
    for query in (A, B):
        engine.create(query.name, 5)
    first, second = server.sent
    assert first["ksql"].startswith("CREATE STREAM a (")
    assert second["ksql"].endswith("EMIT CHANGES;")
    assert first["streamsProperties"] == {"ksql.streams.auto.offset.reset": "earliest"}
    assert _actions(engine) == []


def test_what_changed_is_replaced(server: Server, engine: KsqlDbEngine) -> None:
    server.statements["B"] = server.statements["B"].replace("+ 1", "+ 2")
    (change,) = _changes(engine)
    assert (change.name, change.action, change.note) == (
        "B",
        Action.UPDATE,
        "what it has written before stays as it was: --recreate B starts over",
    )
    engine.replace("B", 5)
    assert server.sent[0]["ksql"].startswith("CREATE OR REPLACE STREAM b")


def test_what_cannot_be_replaced_is_said_with_the_way_to_make_it_anew(
    server: Server, engine: KsqlDbEngine
) -> None:
    server.statements["A"] = server.statements["A"].replace("INTEGER", "BIGINT")
    server.refusal = {
        "@type": "statement_error",
        "error_code": 40001,
        "message": "Cannot upgrade data source: DataSource '`A`' has schema = ... (changed)",
        "statementText": "CREATE OR REPLACE STREAM a ...;",
        "entities": [],
    }
    with pytest.raises(PipelineError) as caught:
        engine.replace("A", 5)
    said = str(caught.value)
    assert "ksql/test.sql:3" in said
    assert "Cannot upgrade data source" in said
    assert "`deploy --recreate A` makes it anew, with its topic and all that reads it" in said


def test_a_refusal_names_the_files_line_column_and_token(
    server: Server, engine: KsqlDbEngine
) -> None:
    del server.statements["B"]
    server.refusal = {
        "@type": "statement_error",
        "error_code": 40001,
        "message": "line 2:14: Column 'N' cannot be resolved.",
        "statementText": "...",
        "entities": [],
    }
    with pytest.raises(SpecError) as caught:
        engine.create("B", 5)
    expected = "ksql/test.sql:5: column 14, 'n': ksqlDB: Column 'N' cannot be resolved."
    assert str(caught.value) == expected


def test_a_query_in_error_is_replaced_by_itself_which_starts_it_again(
    server: Server, engine: KsqlDbEngine
) -> None:
    server.state = "ERROR"
    assert _actions(engine) == [("B", Action.RESTART)]
    assert engine.restart("B", 5) == ""
    (sent,) = server.sent
    assert sent["ksql"].startswith("CREATE OR REPLACE STREAM b")
    assert engine.running()["B"].state == "RUNNING"


def test_a_query_that_cannot_be_started_again_fails_the_deployment(
    server: Server, engine: KsqlDbEngine
) -> None:
    server.state = "ERROR"
    server.refusal = {
        "@type": "statement_error",
        "error_code": 40001,
        "message": "Upgrades not yet supported for StreamStreamJoin",
    }
    with pytest.raises(DeadlineError, match=r"ksql/test.sql:4: the query of B is in ERROR"):
        engine.restart("B", 0.5)


def test_a_paused_query_is_shown_and_resumed(server: Server, engine: KsqlDbEngine) -> None:
    server.is_paused = True
    (change,) = _changes(engine)
    assert (change.action, change.note) == (
        Action.RESTART,
        "it is PAUSED: somebody has paused query CSAS_B_1",
    )
    assert engine.restart("B", 5) == ""
    assert [body["ksql"] for body in server.sent] == ["RESUME CSAS_B_1;"]
    assert _actions(engine) == []


def test_a_terminated_query_is_shown_and_made_anew(server: Server, engine: KsqlDbEngine) -> None:
    server.is_terminated = True
    (change,) = _changes(engine)
    assert (change.name, change.action) == ("B", Action.RECREATE)
    assert change.note.startswith("it is STOPPED: somebody has terminated its query; it starts")
    run = Run(_services(engine), 5, report=lambda *_: None, tell=lambda _: None)
    for result in (*Queries().clear([change], run), *Queries().apply([change], run)):
        assert result == (change, None)
    assert [body["ksql"].split()[:2] for body in server.sent] == [
        ["DROP", "STREAM"], ["CREATE", "STREAM"],
    ]  # fmt: skip
    assert _actions(engine) == []


def _services(engine: KsqlDbEngine, *filled: str) -> Services:
    bounds = {(topic, 0): (0, WRITTEN) for topic in filled}
    kafka = type("Broker", (), {"bounds": lambda _, __: bounds})()
    clients = {"engine": engine, "kafka": kafka, "database": Notes()}
    return cast("Services", type("Clients", (), clients)())


def test_a_new_query_is_not_made_beside_what_an_older_one_has_written(
    server: Server, engine: KsqlDbEngine
) -> None:
    del server.statements["B"]
    changes = _changes(engine)
    assert Queries().check(changes, (A, B), _services(engine)) == []
    (problem,) = Queries().check(changes, (A, B), _services(engine, "b"))
    assert problem.key == ("query", "B")
    assert problem.message == (
        "ksql/test.sql:4: the topic b has records already, and B would write all of them once more:"
        " `deploy --recreate B` makes both anew"
    )


def test_a_statement_that_is_gone_from_the_files_goes_with_prune_after_what_reads_it(
    server: Server, engine: KsqlDbEngine
) -> None:
    server.statements.clear()
    services = _services(engine)
    queries_ = Queries()
    run = Run(services, 5, report=lambda *_: None, tell=lambda _: None)
    queries_.apply(_changes(engine), run)
    server.statements["THEIRS"] = "CREATE STREAM THEIRS (X INTEGER) WITH (KAFKA_TOPIC='o');"
    nothing = replace(DESIRED, queries=())
    live = {**LIVE, "query": queries_.read(services, ())}
    told = compare(nothing, live)
    assert (told.changes, told.leftovers) == ((), ("query A", "query B"))
    assert told.remarks == ("query THEIRS, which is not declared and was not deployed from here",)
    pruned = compare(nothing, live, prune=True).changes
    server.sent.clear()
    assert [error for _, error in queries_.apply(pruned, run)] == [None, None]
    assert [body["ksql"] for body in server.sent] == ["DROP STREAM `B`;", "DROP STREAM `A`;"]
    assert set(server.statements) == {"THEIRS"}
    assert services.database.names == {"query": set()}  # type: ignore[attr-defined]


def test_what_others_read_is_not_made_anew(server: Server, engine: KsqlDbEngine) -> None:
    live = replace(engine.running()["A"], readers=("B", "MINE"))
    (change,) = Queries().anew(A, live, ())
    (problem,) = Queries().check([change], (A, B), _services(engine))
    assert problem.message.startswith(
        "ksql/test.sql:3: A cannot be made anew, because it is read by B, MINE"
    )
    assert server.sent == []


@pytest.mark.parametrize("is_taken", [True, False])
def test_a_time_out_of_the_command_topic_is_no_end(
    server: Server, engine: KsqlDbEngine, monkeypatch: pytest.MonkeyPatch, *, is_taken: bool
) -> None:
    monkeypatch.setattr(ksqldb, "LOOK_S", 0.01)
    server.busy = [is_taken]
    assert engine.drop("B", 5) == ""
    assert set(server.statements) == {"A"}
    server.busy = [is_taken]
    assert engine.create("B", 5) == ""
    assert set(server.statements) == {"A", "B"}
    verbs = [body["ksql"].split()[0] for body in server.sent]
    assert verbs == (["DROP", "CREATE"] if is_taken else ["DROP"] * 2 + ["CREATE"] * 2)


def test_a_command_topic_that_stays_busy_ends_at_the_deadline(
    server: Server, engine: KsqlDbEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ksqldb, "LOOK_S", 0.01)
    server.busy = [False] * 1000
    with pytest.raises(DeadlineError, match="ksqlDB is busy, and has not taken the statement"):
        engine.drop("B", 0.2)
    assert set(server.statements) == {"A", "B"}


def test_a_query_that_ksqldb_restarts_is_in_error_at_first(
    server: Server, engine: KsqlDbEngine
) -> None:
    server.refusal = {"message": "Upgrades not yet supported for StreamStreamJoin"}
    states = iter(["ERROR", "ERROR", "ERROR", "RUNNING"])
    described = server.descriptions

    def descriptions() -> list[dict[str, Any]]:
        server.state = next(states)
        return described()

    server.descriptions = descriptions  # type: ignore[method-assign]
    assert engine.restart("B", 5) == ""
    assert server.state == "RUNNING"


def test_a_query_that_is_created_and_fails_is_not_waited_for(
    server: Server, engine: KsqlDbEngine
) -> None:
    server.state = "ERROR"
    with pytest.raises(PipelineError, match=r"the query of B is in ERROR$"):
        engine.create("B", 60)


def test_nothing_is_sent_to_a_degraded_command_topic(server: Server, engine: KsqlDbEngine) -> None:
    server.is_healthy = False
    with pytest.raises(ServiceError, match="command topic is degraded"):
        engine.create("B", 5)
    assert server.sent == []


def test_everything_declared_is_dropped_the_last_first(
    server: Server, engine: KsqlDbEngine
) -> None:
    server.statements["OTHER"] = "CREATE STREAM OTHER (X INTEGER) WITH (KAFKA_TOPIC='o');"
    assert engine.remove(5) == ["B", "A"]
    assert [body["ksql"] for body in server.sent] == ["DROP STREAM `B`;", "DROP STREAM `A`;"]
    assert set(server.statements) == {"OTHER"}


def test_a_trial_is_dropped_once_its_query_has_read_all(
    server: Server, engine: KsqlDbEngine
) -> None:
    server.statements.clear()
    engine.trial(STATEMENTS, {}, frozenset({"b"}), 5)
    assert server.read == WRITTEN
    assert [body["ksql"].split()[:3] for body in server.sent] == [
        ["CREATE", "STREAM", "a"], ["CREATE", "STREAM", "b"],
        ["DROP", "STREAM", "`B`;"], ["DROP", "STREAM", "`A`;"],
    ]  # fmt: skip
    assert server.statements == {}


def test_what_others_made_beyond_our_subset_is_only_shown(
    server: Server, engine: KsqlDbEngine
) -> None:
    text = "CREATE STREAM C (M MAP<STRING, STRING>) WITH (KAFKA_TOPIC='c');"
    server.statements["C"] = text
    assert engine.running()["C"] == LiveQuery(text, (Line(text, text),), "RUNNING")
    server.statements["D"] = "CREATE STREAM D AS SELECT EXPLODE(C.X) Y FROM C C EMIT CHANGES;"
    assert engine.running()["D"].state == "STOPPED"


def test_an_unreachable_server_is_named() -> None:
    with pytest.raises(ServiceError, match=r"ksqlDB cannot be reached at http://127\.0\.0\.1:1"):
        KsqlDb(at("http://127.0.0.1:1")).sources()


def test_what_ksqldb_gives_back_of_our_statements_is_no_change() -> None:
    text = (KNOWN / "formatted.sql").read_text()
    ours = {statement.name: statement for statement in load(REPOSITORY).statements}
    given = tuple(reader.parse(KNOWN / "formatted.sql", text))
    for statement in given:
        assert canonical(statement) == canonical(ours[statement.name]), statement.name
    (changed,) = reader.parse(KNOWN, text.replace("< 18)", "< 21)").split("\n\n")[4])
    assert canonical(changed) != canonical(ours["ADMISSIONS_BY_BAND"])


TOPICS = {
    name: Topic(name, partitions, 1, {"retention.ms": retention} if retention else {})
    for name, partitions, retention in [
        ("a", 4, None), ("b", 4, "604800000"), ("kept", 4, "-1"), ("narrow", 2, None),
    ]
}  # fmt: skip
WINDOW = "COUNT(*) AS n FROM a WINDOW TUMBLING (SIZE 1 DAY, GRACE PERIOD 3650 DAYS) GROUP BY id"


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("STREAM b WITH (KAFKA_TOPIC = 'b') AS SELECT id, n FROM a", None),
        ("STREAM b WITH (KAFKA_TOPIC = 'kept', RETENTION_MS = -1) AS SELECT id, n FROM a", None),
        ("STREAM b WITH (KAFKA_TOPIC = 'kept') AS SELECT id, n FROM a", "RETENTION_MS 604800000"),
        (
            "STREAM b WITH (KAFKA_TOPIC = 'b', RETENTION_MS = 1) AS SELECT id FROM a",
            "RETENTION_MS 1",
        ),
        ("STREAM b WITH (KAFKA_TOPIC = 'narrow') AS SELECT id, n FROM a", "PARTITIONS 4"),
        ("STREAM b WITH (KAFKA_TOPIC = 'narrow', PARTITIONS = 2) AS SELECT id, n FROM a", None),
        (f"TABLE b WITH (KAFKA_TOPIC = 'kept') AS SELECT id AS k, {WINDOW}", "RETENTION_MS 6048"),
        (
            "TABLE b WITH (KAFKA_TOPIC = 'kept') AS SELECT id, COUNT(*) FROM a GROUP BY id",
            None,
        ),
    ],
)
def test_a_topic_that_ksqldb_would_refuse_is_told_before(query: str, problem: str | None) -> None:
    stream = TEXT.split(";")[1]
    statements = tuple(reader.parse(Path("t.sql"), f"{stream};\nCREATE {query} EMIT CHANGES;"))
    if problem is None:
        check_topics(statements, TOPICS)
        return
    with pytest.raises(SpecError) as refused:
        check_topics(statements, TOPICS)
    assert f"t.sql:3: column 1, 'CREATE': ksqlDB expects {problem}" in str(refused.value)
