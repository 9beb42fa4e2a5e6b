"""Files that are broken, hostile or misplaced: each is a mistake with its place, and at once."""

import shutil
import time
from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.repository import rendered
from tests.support import planted
from tests.support.planted import SCHEMA, SINK, SOURCE, TEMPLATE

# Of the processor: the tests may share it.
MOST_SECONDS = 5
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
MANY_KEYS = "".join(f"key{number}: {number}\n" for number in range(60_000))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return planted.repository(tmp_path)


def test_the_repository_that_is_planted_in_is_right(root: Path) -> None:
    assert [connector.name for connector in planted.render(root).connectors] == [
        "widgets-source",
        "widgets-sink",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name: &a [*a]\n", "x.yaml:1: *a stands within what it stands for"),
        ("[" * 5000, "x.yaml:1: is nested more than 50 deep"),
        ("- " * 5000, "x.yaml:1: is nested more than 50 deep"),
        ("{a: " * 5000, "x.yaml:1: is nested more than 50 deep"),
        ("name: a\x01b\n", "x.yaml:1: has the control character U+0001: delete it"),
        ("name: a\n\x00", "x.yaml:2: has the control character U+0000: delete it"),
        ('name: a\nb: "\\0"\n', "x.yaml:2: has the control character U+0000: leave it out"),
        ("name: !mine a\n", "x.yaml:1: the tag !mine is not read here: leave it out"),
        (
            "name: !!python/object/apply:os.system [ls]\n",
            "x.yaml:1: the tag !!python/object/apply:os.system is not read here",
        ),
        ("name: !!int abc\n", "x.yaml:1: the tag !!int is not read here: leave it out"),
        ("name: a\nb: 2025-13-45\n", "x.yaml:2: 2025-13-45 is no date: month must be in 1..12"),
        ("? [a, b]\n: c\n", "x.yaml:1: a key is a list or a mapping: it must be a text"),
        ("? {a: b}\n: c\n", "x.yaml:1: a key is a list or a mapping: it must be a text"),
        ("~: c\n", "x.yaml:1: a key is missing before the colon"),
        ("a: *b\n", "x.yaml:1: not YAML: found undefined alias"),
        ("<<: 5\n", "x.yaml:1: expected a mapping or list of mappings for merging"),
        ("a: b\n---\nc: d\n", "x.yaml:2: has a second document: make it a file of its own"),
        (f"a: {'9' * 5000}\n", "x.yaml:1: the number has more than 64 bits"),
        ("a: 0e0e0\n", "x.yaml:1: template: is missing: the kind of"),
        ("a: 1e999\n", "x.yaml:1: the number is too large: if it is a text, quote it"),
        ("a:\n\t- b\n", "x.yaml:2: not YAML: found character that cannot start any token"),
        (b"name: caf\xe9\n", "x.yaml:1: byte 10 is not UTF-8: save the file as UTF-8"),
        (b"\xff\xfen\x00a\x00", "x.yaml:1: byte 1 is not UTF-8"),
        ("", "x.yaml: is empty"),
        ("template:\n", "x.yaml:1: template: has no value: the kind of connector, a file of"),
        ("template: [a]\n", "x.yaml:1: template: unknown template ['a']; there are: datagen,"),
        ("[]\n", "x.yaml:1: must be a mapping of keys to values (is a list)"),
        ("---\n...\n", "x.yaml:2: has no value"),
        (BOMB, "x.yaml: its aliases stand for more than 100000 values, or 50 levels"),
        (MANY_KEYS, "x.yaml:50000: has more than 100000 values"),
        (MANY_KEYS * 12, "x.yaml: is larger than 1000 kB: make it several files"),
    ],
)
def test_yaml_that_is_no_plain_data(root: Path, content: str | bytes, message: str) -> None:
    planted.plant(root, "connectors/sinks/x.yaml", content)
    begin = time.process_time()
    (told,) = planted.told(root)
    assert told.startswith(f"connectors/sinks/{message}")
    assert time.process_time() - begin < MOST_SECONDS


def test_levels_behind_aliases_count_too(root: Path) -> None:
    deep = "[" * 40 + "x" + "]" * 40
    planted.plant(root, "connectors/sinks/x.yaml", f"a: &a {deep}\nb: {deep.replace('x', '*a')}\n")
    (told,) = planted.told(root)
    assert "its aliases stand for more than" in told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("iterations: yes\n", "iterations: must be a whole number (is 'yes')"),
        ("iterations: true\n", "iterations: must be a whole number (is true)"),
        ("iterations: 12:30\n", "iterations: must be a whole number (is '12:30')"),
        ("iterations: 1_000\n", "iterations: must be a whole number (is '1_000')"),
        ('iterations: "10"\n', "iterations: must be a whole number (is '10')"),
        ("iterations: 1.5\n", "iterations: must be a whole number (is 1.5)"),
        ("iterations: 99999999999\n", "iterations: must be 2147483647 or less (is 99999999999)"),
        ("config: {batch.size: 010}\n", "config.batch.size: 010 would be sent as 10: write that"),
        ("config: {batch.size: 0x1F}\n", "config.batch.size: 0x1F would be sent as 31"),
        ("config: {api: 1.10}\n", "config.api: 1.10 would be sent as 1.1: write that, or quote it"),
        ("config: {a: 1.0e+9}\n", "config.a: 1.0e+9 would be sent as 1000000000.0"),
        ("config: {batch.size: }\n", "config.batch.size: has no value: give one, leave the key"),
        ("config: {a: [1]}\n", "config.a: must be text, a number, true or false (is a list)"),
        ("config: {a: 2025-01-01}\n", "config.a: must be text, a number, true or false (is a date"),
        ("config: {1: a}\n", "config.1: must be text: if it is, quote it (is 1)"),
        ("config: [a]\n", "config: must be a mapping of keys to values (is a list)"),
        ("generator: {id: {regex: 2025-01-01}}\n", "generator.id.regex: must be text, a number"),
        ("generator: {id: {optionz: [a]}}\n", "generator.id.optionz: unknown option optionz; did"),
        ("generator: {id: {range: {mini: 1}}}\n", "generator.id.range.mini: unknown option mini"),
    ],
)
def test_values_of_a_spec_are_told_in_words(root: Path, text: str, message: str) -> None:
    planted.replace(root, SOURCE, "iterations: 100\n", "")
    planted.append(root, SOURCE, text)
    (told,) = planted.told(root)
    line = len((root / SOURCE).read_text().splitlines())
    assert told.startswith(f"{SOURCE}:{line}: {message}")


def test_numbers_are_those_of_yaml_1_2(root: Path) -> None:
    planted.append(root, SOURCE, "max_interval_ms: 010\nconfig: {a: on, b: 12:30, c: '010'}\n")
    source = next(c for c in planted.render(root).connectors if not c.is_sink)
    assert source.config["max.interval"] == "10"
    assert [source.config[key] for key in "abc"] == ["on", "12:30", "010"]


def test_of_many_mistakes_the_first_are_told(root: Path) -> None:
    text = "".join(f"key{number}: {number}\n" for number in range(20_000))
    planted.append(root, SINK, text)
    begin = time.process_time()
    told = planted.told(root)
    assert told[-1] == f"{SINK}: and more mistakes"
    assert time.process_time() - begin < MOST_SECONDS


RECORD = (
    '{"type": "record", "name": "R",\n"fields": [\n{"name": "id", "phi": "code", "type": "string"},'
    "\n%s\n]}\n"
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"name": "caf\xe9"}', "widgets.avsc:1: byte 14 is not UTF-8"),
        ("[" * 3000 + "]" * 3000, "widgets.avsc: is nested more than 50 deep"),
        ("[" * 60 + "]" * 60, "widgets.avsc: is nested more than 50 deep"),
        ("[" * 200_000, "widgets.avsc: is nested more than 50 deep"),
        ('{"type": "record", "name": "R"}', "widgets.avsc:1: not an Avro schema: a record has"),
        ('{"type": "record", "name": "R", "fields": 7}', "widgets.avsc:1: not an Avro schema: a"),
        ("7", "widgets.avsc:1: the top level must be a record"),
        ("", "widgets.avsc:1: not JSON: Expecting value"),
        (RECORD % '{"name": "a"}', "widgets.avsc:4: fields.1: not an Avro schema: the field a has"),
        (RECORD % "7", "widgets.avsc:4: fields.1: not an Avro schema: a field is a mapping"),
        (
            RECORD % '{"name": "a", "type": "strng"}',
            "widgets.avsc:4: fields.1: not an Avro schema: unknown type strng; did you mean string",
        ),
        (RECORD % '{"name": "a", "type": 7}', "widgets.avsc:4: fields.1: not an Avro schema: "),
        (
            RECORD % '{"name": "a", "type": {"type": "int", "arg.properties": {"optionz": [1]}}}',
            "widgets.avsc:4: fields.1: unknown option optionz; did you mean options?",
        ),
        (RECORD % '{"name": "a", "name": "b"}', "widgets.avsc: not JSON: name is given twice"),
        (
            RECORD % '{"name": "a", "type": "double", "default": NaN}',
            "widgets.avsc: not JSON: NaN is no number",
        ),
        (RECORD % '{"name": "a", "doc": "\\ud83d"}', "widgets.avsc: has half of a character"),
    ],
)
def test_an_avro_schema_that_is_none(root: Path, content: str | bytes, message: str) -> None:
    planted.plant(root, SCHEMA, content)
    told, *_ = planted.told(root)
    assert told.startswith(f"schemas/{message}")


def test_a_default_of_a_map_may_have_a_type(root: Path) -> None:
    kind = '"type": {"type": "map", "values": "string"}'
    field = f'{{"name": "m", "phi": "none", {kind}, "default": {{"type": "x"}}}}'
    planted.plant(root, SCHEMA, RECORD % field)
    (root / SINK).unlink()
    planted.append(root, "topics.yaml", "")
    (subject,) = planted.render(root).subjects
    assert subject.schema["fields"][1]["default"] == {"type": "x"}


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        ("ksql/a.sql", b"-- caf\xe9\n", "byte 7 is not UTF-8"),
        ("ksql/a.sql", b"\n\x00", "has the control character U+0000"),
        ("ksql/a.sql", "CREATE\n STREAM a AS SELECT 'b;\n", 'column 21, "\'": a text, a name'),
        (
            "ksql/a.sql",
            "-- it's\n\n/* never\n",
            "column 1, '/': a text, a name or a comment begins",
        ),
        ("ksql/a.sql", "CREATE STREAM `a\n", "column 15, '`': a text, a name or a comment"),
        ("ksql/a.sql", f"CREATE STREAM a AS SELECT {'(' * 3000}", "column 1, 'CREATE'"),
        ("ksql/a.sql", f"CREATE STREAM a AS SELECT {'(' * 3000};", "column "),
        ("ksql/a.sql", f"CREATE STREAM a AS SELECT {'(' * 3000}1{')' * 3000} FROM b;", "column "),
        ("ksql/a.sql", "SET 'a' = 'b';\n" * 300, "has more than 100 statements"),
        (
            "ksql/a.sql",
            f"DEFINE x = '{'b' * 90_000}';\n" + "${x}" * 20_000,
            "is larger than 200 kB, its variables filled in",
        ),
        ("ksql/a.sql", "-- long\n" * 40_000, "is larger than 200 kB"),
        ("postgres/db_setup.sql", b"-- caf\xe9\n", "byte 7 is not UTF-8"),
        ("postgres/db_setup.sql", b"SELECT 1;\x00", "has the control character U+0000"),
    ],
)
def test_sql_that_cannot_be_read(root: Path, path: str, content: str | bytes, message: str) -> None:
    planted.plant(root, path, content)
    begin = time.process_time()
    told, *_ = planted.told(root)
    assert told.startswith(path)
    assert message in told
    assert time.process_time() - begin < MOST_SECONDS


FILES = (
    "topics.yaml", SINK, SOURCE, SCHEMA, TEMPLATE, "ksql/a.sql", "postgres/db_setup.sql",
    "spark/rules.yaml", "connectors/templates/every-sink.yaml.j2",
)  # fmt: skip


@pytest.mark.parametrize("path", FILES)
def test_what_is_no_file_is_not_read(root: Path, path: str) -> None:
    planted.plant(root, path, "")
    planted.pipe(root, path)
    assert f"{path}: is a pipe: a file of text is expected here" in planted.told(root)
    (root / path).unlink()
    (root / path).symlink_to("/dev/zero")
    assert f"{path}: is a device: a file of text is expected here" in planted.told(root)
    (root / path).unlink()
    (root / path).mkdir()
    assert f"{path}: is a folder: a file of text is expected here" in planted.told(root)
    (root / path).rmdir()
    (root / path).symlink_to("/nowhere")
    told = [text for text in planted.told(root) if text.startswith(path)]
    assert told == [
        f"{path}: cannot be read: No such file or directory, a link to what does not exist"
    ]


@pytest.mark.parametrize("path", ["topics.yaml", "postgres/db_setup.sql", TEMPLATE])
def test_what_is_missing_is_told(root: Path, path: str) -> None:
    (root / path).unlink()
    told = " ".join(planted.told(root))
    assert (path in told) or ("unknown template jdbc-sink; there are: datagen, none" in told)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("connectors/sinks/x.yml", "is not read: call it x.yaml, or move it away"),
        ("connectors/sinks/x.YAML", "is not read: call it x.yaml, or move it away"),
        ("connectors/sinks/team/x.yaml", "put its files into connectors/sinks/"),
        ("connectors/x.yaml", "connectors are in connectors/sources/ and connectors/sinks/"),
        ("connectors/sink/x.yaml", "and connectors/sinks/; did you mean sinks?"),
        ("connectors/templates/x.yaml", "is not read: call it x.yaml.j2, or move it away"),
        ("schemas/x.json", "is not read: call it x.avsc, or move it away"),
        ("schemas/old/x.avsc", "put its files into schemas/"),
        ("ksql/x.ksql", "is not read: call it x.sql, or move it away"),
        ("ksql/more/x.sql", "put its files into ksql/"),
    ],
)
def test_a_file_that_is_never_read_is_named(root: Path, path: str, message: str) -> None:
    planted.plant(root, path, "a: b\n")
    (told,) = planted.told(root)
    place = told.split(":", maxsplit=1)[0]
    assert path.startswith(place)
    assert message in told


@pytest.mark.parametrize(
    "name", [".#x.yaml", ".x.yaml.swp", "x.yaml~", "#x.yaml#", ".x.yaml", "x.yaml.bak", "README.md"]
)
def test_what_editors_leave_is_passed_over(root: Path, name: str) -> None:
    for folder in ("connectors", "connectors/sinks", "connectors/templates", "schemas", "ksql"):
        planted.plant(root, f"{folder}/{name}", "a: b\n")
    (root / "connectors/sinks/.#y.yaml").symlink_to("me@host.1234:5678")
    planted.render(root)


def test_a_connector_in_the_wrong_folder_is_told(root: Path) -> None:
    shutil.move(root / SINK, root / "connectors/sources/sink.yaml")
    shutil.move(root / SOURCE, root / "connectors/sinks/source.yaml")
    assert planted.told(root) == [
        "connectors/sources/sink.yaml: is a sink, as it has `topics`: move it to connectors/sinks/",
        "connectors/sinks/source.yaml: is a source, as it has no `topics`: move it to"
        " connectors/sources/",
    ]


@pytest.mark.parametrize(
    "name",
    ["connect_configs", "connect_offsets", "connect_status", "__consumer_offsets", "_schemas"],
)
def test_a_topic_of_kafkas_own_is_refused(root: Path, name: str) -> None:
    planted.append(root, "topics.yaml", f"  {name}: {{}}\n")
    (told,) = planted.told(root)
    assert told.startswith(f"topics.yaml:7: topics.{name}: ")
    assert "a topic of Kafka's or Connect's own" in told or "must begin with a small letter" in told


STATEMENTS = """\
CREATE STREAM s (id VARCHAR KEY, size INTEGER)
  WITH (KAFKA_TOPIC = 'widgets', VALUE_FORMAT = 'AVRO');
CREATE STREAM t
  WITH (KAFKA_TOPIC = '__consumer_offsets') AS SELECT id, size FROM s EMIT CHANGES;
"""


def test_neither_does_a_statement_write_one(root: Path) -> None:
    planted.plant(root, "ksql/a.sql", STATEMENTS)
    (told,) = planted.told(root)
    assert told.startswith(
        "ksql/a.sql:4: column 9, 'KAFKA_TOPIC': __consumer_offsets is a topic of"
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("tasks.max: 2", "tasks.max: {% for a in range(10**9) %}x{% endfor %}", "more than 10000"),
        ("tasks.max: 2", "tasks.max: {{ 'x' * 10**9 }}", "is too large"),
        ("tasks.max: 2", "tasks.max: {{ 10**10**10 }}", "is too large"),
        ("tasks.max: 2", "tasks.max: {{ lipsum(10**9) }}", "'lipsum' is undefined"),
        ("tasks.max: 2", "tasks.max: {{ ''.__class__.__mro__ }}", "unsafe"),
        ("tasks.max: 2", "tasks.max: {{ topics + 1 }}", "TypeError"),
        ("tasks.max: 2", "tasks.max: {{ 1 / 0 }}", "ZeroDivisionError"),
        ("tasks.max: 2", "tasks.max: {{ nothing }}", "'nothing' is undefined"),
        ("tasks.max: 2", "tasks.max: {{ none }}", "a variable has no value (null)"),
        ("tasks.max: 2", "tasks.max: {{ {'a': 1} }}", "a variable is a mapping"),
        ("tasks.max: 2", "tasks.max: {{ 'a: b' }}", "would end too early in YAML"),
        ("tasks.max: 2", "tasks.max: {% if %}", "TemplateSyntaxError"),
        ("tasks.max: 2", "tasks.max: {% include 'no.j2' %}", "no.j2 is missing"),
        ("tasks.max: 2", "tasks.max:", 'tasks.max: has no value: give one, or write ""'),
        ("tasks.max: 2", "tasks.max: {a: b}", "tasks.max: must be a text, or a list of texts"),
        ("tasks.max: 2", "{% if 1 %}" * 2000 + "{% endif %}" * 2000, "RecursionError"),
        ("tasks.max: 2", "true: 2", "True: is no name of a property"),
    ],
)
def test_a_template_that_does_no_good(root: Path, old: str, new: str, message: str) -> None:
    planted.replace(root, TEMPLATE, old, new)
    begin = time.process_time()
    (told,) = planted.told(root)
    assert told.startswith((f"{TEMPLATE}:9: ", f"{TEMPLATE}: True: ", f"{TEMPLATE}: cannot be"))
    assert message in told
    assert time.process_time() - begin < MOST_SECONDS


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("delete.enabled", "tasks.max: 3\ndelete.enabled", "tasks.max: is given twice"),
        ("transforms: headers", "transforms: \x01headers", "has the control character U+0001"),
        ("{type: table,", "{type: tables,", "variables.table.type: unknown value tables; did you"),
        ("  table: ", "  config: ", "variables.config: the name is taken"),
        ("  table: ", "  model_dump: ", "variables.model_dump: the name is taken"),
        ("{type: table,", "{type: integer, default: x,", "variables.table.default: is no value of"),
        ("{type: table,", "{type: table, minimum: 1,", "minimum and maximum are of an integer"),
    ],
)
def test_a_template_with_mistakes(root: Path, old: str, new: str, message: str) -> None:
    planted.replace(root, TEMPLATE, old, new)
    assert any(TEMPLATE in told and message in told for told in planted.told(root))


def test_a_template_writes_too_much(root: Path) -> None:
    line = "x: {{ 'y' * 900000 }}\n"
    planted.append(root, TEMPLATE, line + line.replace("x:", "z:"))
    (told,) = planted.told(root)
    assert "it writes more than 1000 kB" in told


def test_lists_and_emoji_are_written_as_connect_reads_them(root: Path) -> None:
    planted.replace(root, TEMPLATE, '{{ topics | join(",") }}', "{{ topics }}")
    planted.append(root, TEMPLATE, "list: [a, b]\nflag: {{ true }}\nyes: yes\nversion: 1.10\n")
    planted.append(root, SOURCE, 'generator: {id: {options: [👩‍⚕️, "\\u2028"]}}\n')
    planted.replace(root, SCHEMA, '"name": "id"', '"doc": "a 🏥", "name": "id"')
    source, sink = planted.render(root).connectors
    wanted = {"topics": "widgets", "list": "a,b", "flag": "true", "yes": "yes", "version": "1.10"}
    assert wanted.items() <= sink.config.items()
    assert '"options":["👩‍⚕️","\u2028"]' in source.config["schema.string"]
    assert '"doc":"a 🏥"' in source.config["schema.string"]


def test_the_output_is_a_file(root: Path, tmp_path: Path) -> None:
    file = planted.plant(tmp_path, "out", "")
    with pytest.raises(UsageError, match=r"out.* cannot be written: Not a directory"):
        rendered.write(planted.render(root), [], [], file)
