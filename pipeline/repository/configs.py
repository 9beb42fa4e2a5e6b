"""The configuration of a connector: its template's properties, and what its spec overrides."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import schemas, textfile
from pipeline.errors import Mistake, SpecError
from pipeline.repository import rendering, yamlfile
from pipeline.repository.confidential import REFERENCE, in_clear_text
from pipeline.repository.project import SCRIPT, Project
from pipeline.repository.rendering import Renderer
from pipeline.repository.source import DEAD_LETTER_QUEUE, Source
from pipeline.repository.specs import is_reserved, reserved, strings
from pipeline.repository.templates import EVERY_SINK, FOLDER, SUFFIX
from pipeline.resources.connector import Connector
from pipeline.resources.validity import OWNER_KEY
from pipeline.sql.columns import columns_of
from pipeline.suggest import unknown

TOPICS, TOPICS_REGEX = "topics", "topics.regex"
# The keys in which the JDBC sinks, of Debezium and of Confluent, have their table.
TABLES = ("collection.name.format", "table.name.format")
# A sink with such a value makes its table itself.
MAKES_TABLE = {"schema.evolution": "basic", "auto.create": "true"}
# Kafka's own rule for a topic's name.
LEGAL = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}")
# The config provider that the workers have: stack/templates/connect.properties.j2, compose.yaml.
PROVIDER = "env"
EXPRESSION = re.compile(r"\s*([\w.]+)\s*:(.*)")


@dataclass(frozen=True)
class _Rendered:
    """A connector's configuration, and the template that each property is from."""

    config: Mapping[str, str]
    files: Mapping[str, Path]


def connectors(project: Project, owner: str, variables: Collection[str]) -> tuple[Connector, ...]:
    """The connectors. `variables` are those that the worker gives to its connectors.

    Raises:
        SpecError: with the mistakes of all connectors.
    """
    renderer = Renderer(project.root)
    mistakes: dict[tuple[object, ...], Mistake] = {}
    found: list[Connector] = []
    for source in project.connectors:
        try:
            rendered = _rendered(project, renderer, source)
        except SpecError as error:
            _add(mistakes, error.mistakes, source)
            continue
        told = yamlfile.few(source.file, _mistakes(project, source, rendered, variables))
        _add(mistakes, told, source)
        # Sorted, so that a moved line in a template or a spec is not a change.
        config = {**rendered.config, "name": source.spec.name, OWNER_KEY: owner}
        queue = config.get(DEAD_LETTER_QUEUE)
        topics = (*source.topics, *([queue] if queue else []))
        in_order = dict(sorted(config.items()))
        found.append(
            Connector(
                source.spec.name,
                in_order,
                source.file,
                topics,
                source.table,
                dict.fromkeys(source.from_target, str(source.target_file)),
                is_sink=source.is_sink,
            )
        )
    if mistakes:
        raise SpecError(tuple(mistakes.values()))
    return tuple(found)


def _add(known: dict[tuple[object, ...], Mistake], more: Iterable[Mistake], source: Source) -> None:
    """Adds mistakes; one in a template only once, and not for each spec."""
    for mistake in more:
        message = mistake.message if mistake.file == source.file else ""
        known.setdefault((mistake.file, mistake.line, mistake.key, message), mistake)


def _rendered(project: Project, renderer: Renderer, source: Source) -> _Rendered:
    spec = source.spec
    given = {
        **spec.model_dump(),
        "replication": project.topics.defaults.replication,
        "annotated": lambda topic, by_field: _annotated(project, source, topic, by_field),
        "is_key": lambda topics, columns: _is_key(project, topics, columns),
        "as_in_topics": lambda topics, columns: _as_in_topics(project, topics, columns),
    }
    config = strings(spec.config)
    files: dict[str, Path] = {}
    if source.template:
        name = f"{source.template.name}{SUFFIX}"
        of_template = renderer.render(name, given, source.file)
        files = dict.fromkeys(of_template, source.template.file)
        config = {**of_template, **config}
    if TOPICS in config:
        config[TOPICS] = ",".join(part.strip() for part in config[TOPICS].split(","))
    if source.is_sink:
        shared = renderer.render(EVERY_SINK, given, source.file)
        files = {**dict.fromkeys(shared, project.root / FOLDER / EVERY_SINK), **files}
        config = {**shared, **config}
    return _Rendered(config, files)


def _mistakes(
    project: Project, source: Source, rendered: _Rendered, variables: Collection[str]
) -> Iterator[Mistake]:
    yield from _in_wrong_folder(source, rendered)
    yield from _overridden(source)
    yield from _not_secret(source, rendered)
    header = source.template.header if source.template else None
    harmless = {*source.spec.not_secret, *(header.not_secret if header else ())}
    for key, value in rendered.config.items():
        if key not in harmless and in_clear_text(key, value):
            message = (
                "is a secret in clear text: write a reference such as ${env:JDBC_PASSWORD};"
                f" if it is none, add {key} to `not_secret` of the spec"
            )
            yield _at(source, rendered, key, message)
        for provider, name in REFERENCE.findall(value):
            message = _bad_reference(provider, name, variables)
            if message:
                yield _at(source, rendered, key, message)
    yield from _bad_queue(source, rendered)
    if source.template is None:
        yield from _unknown_topics(project, source, rendered.config)
        yield from _unknown_table(project, source, rendered.config)


def _at(source: Source, rendered: _Rendered, key: str, message: str) -> Mistake:
    """A mistake at a property: in the spec if that has it, or else in the template."""
    file = rendered.files.get(key)
    if key in source.spec.config or file is None:
        return source.mistake(f"config.{key}", message)
    return Mistake(file, rendering.line_of(file, key), key, f"{message} (for {source.file})")


def _in_wrong_folder(source: Source, rendered: _Rendered) -> Iterator[Mistake]:
    has_topics = bool({TOPICS, TOPICS_REGEX} & rendered.config.keys())
    # A source that mirrors another cluster has `topics`, too.
    by_name = rendered.config.get("connector.class", "").endswith("SinkConnector")
    if source.is_sink and not has_topics:
        message = "is a source, as it has no `topics`: move it to connectors/sources/"
        yield Mistake(source.file, None, "", message)
    elif not source.is_sink and has_topics and (by_name or source.given("topics")):
        message = "is a sink, as it has `topics`: move it to connectors/sinks/"
        yield Mistake(source.file, None, "", message)


def _overridden(source: Source) -> Iterator[Mistake]:
    """Properties that follow from a key of the spec: that key is checked, an override is not."""
    owned = {"name": "name", **_written_from(source)}
    for key in source.spec.config:
        if key == OWNER_KEY:
            message = "is the deployment's own mark: it follows from `pipeline` of the target"
            yield source.mistake(f"config.{key}", message)
        elif key in owned:
            yield source.mistake(f"config.{key}", f"follows from the spec: set {owned[key]} there")


def _written_from(source: Source) -> dict[str, str]:
    """The properties that a template writes from variables, with the variables."""
    if source.template is None:
        return {}
    found: dict[str, str] = {}
    for line in textfile.read(source.template.file).split("\n"):
        property_ = EXPRESSION.match(line)
        if property_ and "{{" in line:
            words = re.findall(r"\w+", property_.group(2))
            names = [name for name in source.template.header.variables if name in words]
            if names:
                found[property_.group(1)] = " and ".join(f"`{name}`" for name in names)
    return found


def _not_secret(source: Source, rendered: _Rendered) -> Iterator[Mistake]:
    for index, key in enumerate(source.spec.not_secret):
        if key not in rendered.config:
            yield source.mistake(f"not_secret.{index}", unknown("key", key, rendered.config))


def _bad_reference(provider: str, name: str, variables: Collection[str]) -> str:
    if provider != PROVIDER:
        return unknown("config provider", provider, [PROVIDER])
    if name not in variables:
        return f"{unknown('variable', name, variables)}; the worker hands out no other"
    return ""


def _bad_queue(source: Source, rendered: _Rendered) -> Iterator[Mistake]:
    """A dead letter queue that no sink may have."""
    queue = rendered.config.get(DEAD_LETTER_QUEUE, "")
    if not queue:
        return
    if not LEGAL.fullmatch(queue):
        message = f"{queue!r} is no name of a topic: letters, digits, `.`, `_` and `-`"
        yield _at(source, rendered, DEAD_LETTER_QUEUE, message)
    elif is_reserved(queue):
        yield _at(source, rendered, DEAD_LETTER_QUEUE, reserved(queue))
    elif queue in source.reads:
        yield _at(source, rendered, DEAD_LETTER_QUEUE, f"the connector reads {queue} itself")


def _unknown_topics(
    project: Project, source: Source, config: Mapping[str, str]
) -> Iterator[Mistake]:
    known = {*project.topics.topics, *project.queries}
    for topic in source.reads:
        if topic not in known:
            yield source.mistake(f"config.{TOPICS}", unknown("topic", topic, known))
    regex = config.get(TOPICS_REGEX, "")
    if regex and not any(_matches(regex, topic) for topic in known):
        yield source.mistake(f"config.{TOPICS_REGEX}", f"no topic matches {regex}")


def _matches(regex: str, topic: str) -> bool:
    """Whether Java's regular expression matches; True if Python cannot tell."""
    try:
        return bool(re.fullmatch(regex, topic))
    except re.error:
        return True


def _unknown_table(
    project: Project, source: Source, config: Mapping[str, str]
) -> Iterator[Mistake]:
    """A sink's table that nothing makes."""
    if not source.is_sink or any(config.get(k, "").lower() == v for k, v in MAKES_TABLE.items()):
        return
    script = textfile.read(project.root / SCRIPT)
    for key in TABLES:
        # A name that each record decides is known to nobody here.
        table = "" if "${" in config.get(key, "") else config.get(key, "").rpartition(".")[2]
        is_made = project.sinks_of(table) or re.search(rf"\b{re.escape(table)}\b", script)
        if table and not is_made:
            message = f"nothing makes the table {table}: create it in {SCRIPT}"
            yield source.mistake(f"config.{key}", message)


def _annotated(
    project: Project, source: Source, topic: str, by_field: Mapping[str, Mapping[str, Any]]
) -> str:
    """The topic's schema with Datagen's annotations, as one line of JSON."""
    names = (name for name, given in source.given("by-field").items() if given == by_field)
    name = next(names, "generator")
    mistakes = tuple(
        source.mistake(f"{name}.{field}.{place}", message)
        for field, options in by_field.items()
        for place, message in schemas.bad_options(options)
    )
    if mistakes:
        raise SpecError(mistakes)
    return schemas.compact(schemas.generated(schemas.annotate(project.schemas[topic], by_field)))


def _is_key(project: Project, topics: list[str], columns: list[str]) -> bool:
    """Whether a table's key is one text, and the key of the records of these topics."""
    of_topics = columns_of(project.schemas[topic] for topic in topics if topic in project.schemas)
    texts = {column.name for column in of_topics if column.type == "text"}
    return (
        len(columns) == 1
        and columns[0] in texts
        and all(project.key_of(topic) == columns[0] for topic in topics)
    )


def _as_in_topics(project: Project, topics: list[str], columns: list[str]) -> list[str]:
    """The columns in the case of the topics' fields: ksqlDB's fields are in upper case."""
    of_topics = [project.schemas[topic] for topic in topics if topic in project.schemas]
    names = {name.lower(): name for schema in of_topics for name in schemas.field_names(schema)}
    return [names.get(column, column) for column in columns]
