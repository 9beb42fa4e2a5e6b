"""The repository's sources with fewer records, and waiting until all of them have landed."""

from pipeline.clients.kafka import Kafka
from pipeline.wait import until
from tests.support import hands
from tests.support.workspace import Workspace

# By raw topic: the clean topic, the table, and its key.
TABLES = {
    "patients": ("patients_clean", "patients", "patient_id"),
    "patient_admissions": ("patient_admissions_clean", "admissions", "admission_id"),
    "patient_diagnoses": ("patient_diagnoses_clean", "diagnoses", "diagnosis_id"),
    "patient_labs": ("patient_labs_clean", "lab_results", "lab_id"),
}
RECORDS = 5000
REDELIVERED = 500
ENTITIES = {
    "patients": RECORDS,
    "patient_admissions": RECORDS,
    "patient_diagnoses": 2 * RECORDS,
    "patient_labs": 2 * RECORDS,
}
# The sources draw each admission's patient from as many.
PATIENTS = 50_000
FED = {**ENTITIES, "patients": PATIENTS}


def bounded(space: Workspace, max_interval_ms: int) -> None:
    """The repository's sources, but fewer records of each, and at another pace."""
    for file in (space.root / "connectors" / "sources").glob("*.yaml"):
        redelivery = "redelivery" in file.name
        iterations = REDELIVERED if redelivery else RECORDS
        path = str(file.relative_to(space.root))
        space.edit(path, iterations=iterations, max_interval_ms=max_interval_ms)


def feed(space: Workspace) -> None:
    """Deploys fast sources with every patient, and waits until all records have landed."""
    bounded(space, max_interval_ms=0)
    space.edit("connectors/sources/patients.yaml", iterations=PATIENTS)
    space.ok("deploy")
    wait_until_landed(space, FED)


def _landed(space: Workspace) -> dict[str, int]:
    """Entities in PostgreSQL by raw topic: rows of the table, and keys only seen in rejects."""
    return {
        topic: space.rows(
            f"""SELECT count(*) FROM (SELECT {key} FROM {table} UNION
            SELECT convert_from(record_key, 'UTF8') FROM rejected_records
            WHERE source_topic = '{topic}' AND record_key <> 'garbage') entities"""
        )[0][0]
        for topic, (_, table, key) in TABLES.items()
    }


def _records(space: Workspace) -> dict[str, int]:
    """How many records each raw and clean topic and each dead letter queue has."""
    kafka = Kafka(hands.kafka(space.target))
    names = [*TABLES, *(clean for clean, *_ in TABLES.values())]
    names += [f"{file.stem}-sink_dlq" for file in space.root.glob("connectors/sinks/*.yaml")]
    counts = dict.fromkeys(names, 0)
    for (topic, _), (start, end) in kafka.bounds(kafka.topics(names)).items():
        counts[topic] += end - start
    return {topic: count for topic, count in counts.items() if count}


def wait_until_landed(space: Workspace, wanted: dict[str, int]) -> None:
    until(
        lambda: _landed(space),
        seconds=180,
        done=lambda landed: landed == wanted,
        describe=lambda landed: (
            f"landed are {landed}, not {wanted}; records by topic: {_records(space)}\n"
            + space.run("status").stdout
        ),
        every=0.5,
    )
