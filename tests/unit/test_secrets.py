"""No secret in clear text gets from a file to a service, or from a secret's file to the screen."""

import re
import time
from pathlib import Path

import pytest

from pipeline.errors import PipelineError, SpecError
from pipeline.paths import REPOSITORY
from pipeline.repository import target as targets
from pipeline.repository.confidential import hidden, in_clear_text
from pipeline.repository.specs import WORKERS_OWN
from tests.support import configured, planted
from tests.support.planted import SINK, TEMPLATE

COMPOSE = REPOSITORY / "compose.yaml"


# The lines of the planted sink.
END = 7


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return planted.repository(tmp_path)


SECRETS = [
    ("connection.password", "hunter2"),
    ("connection.password", "12345678"),
    ("connection.pwd", "hunter2"),
    ("db.passwd", "hunter2"),
    ("ssl.keystore.key", "MIIEvQ"),
    ("ssl.key.passphrase", "hunter2"),
    ("value.converter.basic.auth.user.info", "me:hunter2"),
    ("value.converter.basic.auth.user.info", "${env:JDBC_URL}:hunter2"),
    ("private.key", "MIIEvQ"),
    ("auth.bearer", "eyJhbGciOi"),
    ("aws.access.key.id", "hunter2"),
    ("aws.secret.access.key", "hunter2"),
    ("api_key", "hunter2"),
    ("apiKey", "hunter2"),
    ("sasl.jaas.config", 'org.example.LoginModule required username="a" password="hunter2";'),
    ("connection.url", "jdbc:postgresql://h/d?user=x&password=hunter2"),
    ("connection.url", "${env:JDBC_URL}?password=hunter2"),
    ("connection.url", "jdbc:sqlserver://h;databaseName=d;password=hunter2;"),
    ("any.url", "http://user:hunter2@host/path"),
    ("anything", "-----BEGIN RSA PRIVATE KEY-----"),
    ("anything", "AKIAABCDEFGHIJKLMNOP"),
]
HARMLESS = [
    ("connection.password", "${env:JDBC_PASSWORD}"),
    ("connection.password", ""),
    ("producer.override.sasl.oauthbearer.token.endpoint.url", "https://login.example/token"),
    ("transforms.dropToken.type", "org.example.Drop"),
    ("transforms.maskPassword.fields", "ssn"),
    ("transforms", "dropToken"),
    ("basic.auth.credentials.source", "USER_INFO"),
    ("ssl.keystore.location", "/etc/keystore"),
    ("token.refresh.enable", "true"),
    ("max.tokens", "100"),
    ("value.converter.basic.auth.user.info", "${env:JDBC_URL}:${env:JDBC_PASSWORD}"),
    ("value.converter.basic.auth.user.info", "me:${env:JDBC_PASSWORD}"),
    ("sasl.jaas.config", 'a.B required username="a" password="${env:JDBC_PASSWORD}";'),
    ("any.url", "http://user@host/path"),
    ("any.url", "http://${env:JDBC_URL}:${env:JDBC_PASSWORD}@host/path"),
    ("connection.url", "jdbc:postgresql://h/d?user=x&password=${env:JDBC_PASSWORD}"),
    ("primary.key.fields", "password_id"),
]


@pytest.mark.parametrize(("key", "value"), SECRETS)
def test_a_secret_is_found_by_its_key_or_its_looks(key: str, value: str) -> None:
    assert in_clear_text(key, value)
    shown = hidden(key, value)
    assert "***" in shown
    assert "hunter2" not in shown


@pytest.mark.parametrize("part", ["${", "${a:", "://", "://a:", "password ", "-----BEGIN ", "a"])
def test_a_long_value_is_looked_through_at_once(part: str) -> None:
    begin = time.process_time()
    hidden("anything", part * 200_000)
    assert time.process_time() - begin < 5


@pytest.mark.parametrize(("key", "value"), HARMLESS)
def test_what_only_sounds_like_one_is_no_secret(key: str, value: str) -> None:
    assert not in_clear_text(key, value)
    assert hidden(key, value) == value


@pytest.mark.parametrize(("key", "value"), SECRETS)
def test_the_line_of_the_key_is_told_in_a_spec_and_in_a_template(
    root: Path, key: str, value: str
) -> None:
    told_of = f"{key}: is a secret in clear text"
    # What a reference refers to is another test's.
    planted.append(root, SINK, f"config:\n  batch.size: 7\n  {key}: '{value}'\n")
    (told, *_) = planted.told(root)
    assert told.startswith(f"{SINK}:{END + 3}: config.{told_of}")
    if key in (root / TEMPLATE).read_text():
        return
    planted.replace(root, SINK, f"  {key}: '{value}'\n", "")
    planted.append(root, TEMPLATE, f"{key}: '{value}'\n")
    (told,) = planted.told(root)
    line = len((root / TEMPLATE).read_text().splitlines())
    assert told.startswith(f"{TEMPLATE}:{line}: {told_of}")
    assert "hunter2" not in told


def test_a_false_alarm_is_answered_in_the_spec_or_the_template(root: Path) -> None:
    planted.append(root, SINK, "config: {secret.name: labs}\n")
    assert "if it is none, add secret.name to `not_secret`" in planted.told(root)[0]
    planted.append(root, SINK, "not_secret: [secret.name]\n")
    planted.render(root)
    planted.append(root, TEMPLATE, "token.alias: labs\n")
    assert len(planted.told(root)) == 1
    planted.replace(root, TEMPLATE, "variables:", "not_secret: [token.alias]\nvariables:")
    planted.render(root)
    planted.replace(root, SINK, "not_secret: [secret.name]", "not_secret: [secret.nam]")
    assert f"{SINK}:{END + 2}: not_secret.0: unknown key secret.nam; did you mean secret.name?" in (
        planted.told(root)
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("${env:JDBC_PASWORD}", "unknown variable JDBC_PASWORD; did you mean JDBC_PASSWORD?"),
        ("${env:HOME}", "unknown variable HOME; there are: JDBC_PASSWORD, JDBC_URL"),
        ("${file:/etc/shadow:root}", "unknown config provider file; there are: env"),
        ("${evn:JDBC_URL}", "unknown config provider evn; there are: env"),
    ],
)
def test_a_reference_is_to_what_the_worker_hands_out(root: Path, value: str, message: str) -> None:
    planted.append(root, SINK, f"config:\n  connection.password: '{value}'\n")
    (told,) = planted.told(root)
    assert told.startswith(f"{SINK}:{END + 2}: config.connection.password: {message}")
    planted.replace(root, SINK, f"'{value}'", "${env:JDBC_PASSWORD}")
    planted.replace(root, TEMPLATE, "${env:JDBC_URL}", value)
    (told,) = planted.told(root)
    assert told.startswith(f"{TEMPLATE}:13: connection.url: {message}")


def test_the_workers_of_both_targets_have_what_a_spec_may_name(tmp_path: Path) -> None:
    embedded = (configured.written(tmp_path) / "connect.properties").read_text()
    for text, dot in ((embedded, "."), (COMPOSE.read_text(), "_")):
        allowed = re.search(r"(?im)^.*allowlist[._]pattern[=:] ?(.*)$", text)
        assert allowed
        assert sorted(allowed[1].split("|")) == sorted(targets.WORKER_VARIABLES)
        topics = re.findall(rf"(?im)^.*storage{re.escape(dot)}topic[=:] ?(.*)$", text)
        assert set(topics) == WORKERS_OWN
        assert re.search(r"(?im)^.*config[._]providers[=:] ?env$", text)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("topics: nothing_here", "config.topics: follows from the spec: set `topics` there"),
        ("collection.name.format: x", "config.collection.name.format: follows from the spec: set"),
        ("primary.key.fields: x", "config.primary.key.fields: follows from the spec: set `topics`"),
        ("name: x", "config.name: follows from the spec: set name there"),
        ("managed.by: x", "config.managed.by: is the deployment's own mark"),
        ("errors.deadletterqueue.topic.name: a b", "'a b' is no name of a topic: letters"),
        ("errors.deadletterqueue.topic.name: ..", "'..' is no name of a topic"),
        ("errors.deadletterqueue.topic.name: _schemas", "_schemas is a topic of Kafka's"),
        ("errors.deadletterqueue.topic.name: connect_status", "connect_status is a topic of"),
        ("errors.deadletterqueue.topic.name: widgets", "the connector reads widgets itself"),
    ],
)
def test_an_override_is_checked_or_has_its_own_key(root: Path, override: str, message: str) -> None:
    planted.append(root, SINK, f"config:\n  {override}\n")
    (told,) = planted.told(root)
    assert told.startswith(f"{SINK}:{END + 2}: config.{override.split(':', maxsplit=1)[0]}: ")
    assert message in told


def test_without_a_template_topics_are_trimmed_and_checked(root: Path) -> None:
    planted.append(root, "topics.yaml", "  more: {}\n")
    planted.plant(
        root,
        SINK,
        "name: plain\ntemplate: none\nconfig:\n  connector.class: a.B\n  topics: widgets, more\n",
    )
    sink = next(c for c in planted.render(root).connectors if c.is_sink)
    assert sink.config["topics"] == "widgets,more"
    planted.replace(root, SINK, "widgets, more", "widgets, mores")
    assert planted.told(root) == [
        f"{SINK}:5: config.topics: unknown topic mores; did you mean more?"
    ]


def _plain(root: Path, config: str) -> None:
    """A sink without a template."""
    planted.append(root, "postgres/db_setup.sql", "CREATE TABLE kept (id text);\n")
    head = "name: plain\ntemplate: none\nconfig:\n  connector.class: a.B\n  "
    planted.plant(root, "connectors/sinks/plain.yaml", f"{head}{config}\n")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("topics.regex: 'gad.*'", ":5: config.topics.regex: no topic matches gad.*"),
        (
            "topics: widgets\n  table.name.format: public.gadgets",
            ":6: config.table.name.format: nothing makes the table gadgets: create it in"
            " postgres/db_setup.sql",
        ),
    ],
)
def test_without_a_template_the_topics_and_the_table_are_looked_for(
    root: Path, config: str, message: str
) -> None:
    _plain(root, config)
    assert planted.told(root) == [f"connectors/sinks/plain.yaml{message}"]


@pytest.mark.parametrize(
    "config",
    [
        "topics.regex: 'wid.*'",
        # Java's own syntax: the worker checks it.
        "topics.regex: '(?<!x)wid\\p{Lower}+'",
        "topics: widgets\n  collection.name.format: widgets",
        "topics: widgets\n  table.name.format: public.kept",
        "topics: widgets\n  table.name.format: new\n  auto.create: true",
        "topics: widgets\n  collection.name.format: of_${topic}",
    ],
)
def test_without_a_template_what_is_there_is_found(root: Path, config: str) -> None:
    _plain(root, config)
    assert "plain" in {connector.name for connector in planted.render(root).connectors}


TARGET = targets.load(REPOSITORY, "embedded")


def _secrets(folder: Path, text: str | bytes) -> object:
    file = planted.plant(folder, "var/embedded/secrets.env", text)
    file.chmod(0o600)
    return targets.secrets(folder, TARGET)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "secrets.env: POSTGRES_PASSWORD: is missing: a line KEY=value"),
        ("OTHER=hunter2\n", "secrets.env: POSTGRES_PASSWORD: is missing: a line KEY=value"),
        ("\nPOSTGRES_PASSWORD hunter2\n", "secrets.env:2: is no KEY=value"),
        ('"POSTGRES_PASSWORD"=hunter2\n', "secrets.env:1: is no KEY=value"),
        ("'POSTGRES PASSWORD'=hunter2\n", "secrets.env:1: is no KEY=value"),
        ("POSTGRES_PASSWORD: hunter2\n", "secrets.env:1: is no KEY=value"),
        ('POSTGRES_PASSWORD="hunter2\n', "secrets.env:1: is no KEY=value"),
        ("POSTGRES_PASSWORD=\n", "POSTGRES_PASSWORD: a secret has 6 characters or more"),
        ("POSTGRES_PASSWORD=hunter2\nB=a\nA=\n", "A, B: a secret has 6 characters or more"),
        (b"POSTGRES_PASSWORD=caf\xe9\n", "secrets.env:1: byte 22 is not UTF-8"),
        (b"POSTGRES_PASSWORD=a\x00b\n", "secrets.env:1: has the control character U+0000"),
    ],
)
def test_a_file_of_secrets_with_mistakes(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(PipelineError) as caught:
        _secrets(tmp_path, text)
    assert message in str(caught.value)
    assert caught.value.exit_code == 2
    assert "hunter2" not in str(caught.value)


def test_export_is_taken_as_a_shell_does(tmp_path: Path) -> None:
    assert _secrets(tmp_path, "export POSTGRES_PASSWORD='hunter 2'\n") == {
        "POSTGRES_PASSWORD": "hunter 2"
    }


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (":8083\n", ":abc\n", "connect: has no port between 1 and 65535 after the colon"),
        (":8083\n", ":99999\n", "connect: has no port between 1 and 65535 after the colon"),
        ("127.0.0.1:8083", "127.0. 0.1:8083", "connect: has a space within"),
        ("127.0.0.1:8083", "me:hunter2@127.0.0.1:8083", "connect: has a user or a password"),
        (
            "kafka: 127.0.0.1:9092",
            "kafka: 127.0.0.1:99999",
            "kafka: '127.0.0.1:99999' has no port between",
        ),
        ("port: 15432", "port: '15432'", "postgres.port: must be a whole number"),
        ("port: 15432", "port: 99999", "postgres.port: must be 65535 or less (is 99999)"),
        ("state: var/embedded", "state: 7", "state: "),
    ],
)
def test_an_address_of_a_target_that_is_none(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    file = tmp_path / "target.yaml"
    file.write_text((REPOSITORY / "targets" / "embedded.yaml").read_text())
    planted.replace(tmp_path, "target.yaml", old, new)
    with pytest.raises(SpecError) as caught:
        targets.load(REPOSITORY, str(file))
    (told,) = map(str, caught.value.mistakes)
    assert re.match(rf".*target.yaml:\d+: {re.escape(message)}", told)
    assert "hunter2" not in told
