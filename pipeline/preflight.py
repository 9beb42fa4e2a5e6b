"""What only the services can say of a plan, asked before anything is written."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from pipeline.clients.connect import Validation
from pipeline.clients.http import CONCURRENCY
from pipeline.desired import Connector, Desired, Subject
from pipeline.live import Live, Services
from pipeline.plan import Action, Kind, Plan, table_problems
from pipeline.repository.project import OWNER_KEY
from pipeline.repository.yamlfile import line_of
from pipeline.suggest import did_you_mean

# Families of keys that plugins take without listing each of them.
OPEN_PREFIXES = (
    "admin.override.",
    "consumer.override.",
    "producer.override.",
    "transforms.",
    "predicates.",
    "topic.creation.",
    "key.converter.",
    "value.converter.",
    "header.converter.",
    "hibernate.",
)
OUR_KEYS = {"name", OWNER_KEY}
# Debezium's JDBC sink reads this one and lists it nowhere.
UNLISTED_KEYS = {"use.reduction.buffer"}


def check(plan: Plan, desired: Desired, live: Live, services: Services) -> Plan:
    """The plan with the problems that registry, worker and database find in it.

    Only what changes is asked about: what runs unchanged was checked when it was deployed. A
    schema's verdict needs an earlier version, and the tables are looked at as the new
    db_setup.sql makes them.
    """
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        verdicts = pool.submit(_incompatibilities, plan, desired, live, services)
        tables = pool.submit(_tables, plan, desired, services)
        connectors = list(pool.map(lambda c: _connector(c, services), _changed(plan, desired)))
        found = (*verdicts.result(), *tables.result(), *(p for some in connectors for p in some))
    return replace(plan, problems=(*plan.problems, *found))


def _incompatibilities(plan: Plan, desired: Desired, live: Live, services: Services) -> list[str]:
    changed = plan.named(Kind.SUBJECT)
    subjects = [s for s in desired.subjects if s.name in changed and s.name in live.subjects]
    return [problem for subject in subjects for problem in _subject(subject, live, services)]


def _subject(subject: Subject, live: Live, services: Services) -> Iterator[str]:
    reasons = services.registry.incompatibilities(subject.name, subject.schema)
    if reasons:
        version = live.subjects[subject.name].version
        yield (
            f"{subject.file}: not {subject.compatibility}-compatible with version {version} of"
            f" {subject.name}: {'; '.join(reasons)}. Give a new field a default and remove none"
            " without one, or write to a new topic"
        )


def _tables(plan: Plan, desired: Desired, services: Services) -> list[str]:
    script = desired.script if plan.named(Kind.TABLES) else None
    return list(table_problems(desired.tables, services.database.preview(script)))


def _changed(plan: Plan, desired: Desired) -> Iterable[Connector]:
    changes = plan.named(Kind.SINK, Kind.SOURCE)
    wanted = {
        name for name, change in changes.items() if change.action in {Action.CREATE, Action.UPDATE}
    }
    return [connector for connector in desired.connectors if connector.name in wanted]


def _connector(connector: Connector, services: Services) -> list[str]:
    verdict = services.connect.validate(connector.config)
    errors = [_place(connector, key, message) for key, message in verdict.errors]
    return errors + [
        _place(connector, key, f"{connector.config['connector.class']} has no such property{hint}")
        for key, hint in _unknown_keys(connector, verdict)
    ]


def _unknown_keys(connector: Connector, verdict: Validation) -> Iterator[tuple[str, str]]:
    if not verdict.known:
        return
    for key in connector.config:
        if key not in verdict.known | OUR_KEYS | UNLISTED_KEYS and not key.startswith(
            OPEN_PREFIXES
        ):
            yield key, did_you_mean(key, verdict.known)


def _place(connector: Connector, key: str, message: str) -> str:
    line = line_of(connector.file, f"config.{key}")
    place = f"{connector.file}:{line}" if line else f"{connector.file}"
    return f"{place}: {key}: {message}"
