"""Files at random: whatever they hold, only the project's own errors come out, and soon.

FUZZ=long looks for five minutes in place of some seconds.
"""

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import PipelineError
from pipeline.paths import REPOSITORY
from pipeline.repository import envfile, loader, rendering, schemas, target, templates, yamlfile
from pipeline.repository.specs import TopicsFile
from pipeline.schemas import annotate, canonical, contract
from pipeline.sql import reader
from pipeline.sql.flink.translate import analyse
from tests.support import planted

IS_LONG = os.environ.get("FUZZ") == "long"
MOST_SECONDS = 5
EXAMPLES = settings(
    max_examples=3000 if IS_LONG else 100,
    deadline=None,
    database=None,
    derandomize=not IS_LONG,
    suppress_health_check=list(HealthCheck),
)
SPEC: object = loader.spec_model(templates.load(REPOSITORY).values())
# What means something to one of the readers.
WORDS = r"""
{ } [ ] ( ) : - &a *a ? | > --- ... % %} {% {{ }} {# ' " ` \ \u \ud83d ~ # = ; , . * ** /* */ -- ||
null true yes 0x1F 010 1e999 .5 2025-13-45 2025-01-01 NaN !!int !x <<: 999999999999999999999999999
config name template none topics fields type record default arg.properties export range(10**9) 👩⚕️
CREATE TABLE SELECT AS CASE END NOT WITH WITHIN SET KEY PRIMARY GROUP BY PARTITION EMIT CHANGES
WINDOW TUMBLING SIZE ${x} CAST( DECIMAL(
"""
SPACES = [": ", "- ", "\t", "\n", "\n  ", "\r", "\x00", "\x85", "\u2028", "\ufeff"]
PIECES = [*WORDS.split(), *SPACES, "DEFINE x = '1';"]


def _files(pattern: str) -> list[str]:
    return [file.read_text() for file in sorted(REPOSITORY.glob(pattern))]


@st.composite
def _mutated(draw: st.DrawFn, originals: list[str]) -> bytes:
    """A file of the repository with parts cut out, doubled, moved or written over."""
    text = draw(st.sampled_from(originals))
    # One seed draws faster than many numbers, and hypothesis can still make it smaller.
    chance = random.Random(draw(st.integers(0, 2**32)))  # noqa: S311
    for _ in range(draw(st.integers(1, 6))):
        start = chance.randrange(len(text) + 1)
        end = min(len(text), start + chance.choice([0, 0, 1, 5, 50, 500]))
        new = chance.choice([*PIECES, text[start:end] * 2, "".join(chance.choices(PIECES, k=4))])
        text = text[:start] + new + text[end:]
    return text.encode()


def _anything(originals: list[str]) -> st.SearchStrategy[bytes]:
    pieces = st.lists(st.sampled_from(PIECES), max_size=60).map(lambda p: "".join(p).encode())
    return st.one_of(_mutated(originals), _mutated(originals), pieces, st.binary(max_size=200))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return planted.repository(tmp_path_factory.mktemp("fuzz"))


@contextmanager
def _told_of(file: Path) -> Iterator[None]:
    """Whatever else than the project's own error about the file comes out fails the test."""
    # Of the processor: the tests may share it.
    begin = time.process_time()
    try:
        yield
    except PipelineError as error:
        if str(file) not in str(error):
            pytest.fail(f"{error} does not tell of {file}")
    assert time.process_time() - begin < MOST_SECONDS


@EXAMPLES
@given(_anything(_files("connectors/s*/*.yaml")))
def test_specs(folder: Path, content: bytes) -> None:
    file = planted.plant(folder, "x.yaml", content)
    with _told_of(file):
        yamlfile.load(file, SPEC)


@EXAMPLES
@given(_anything([*_files("topics.yaml"), *_files("targets/*.yaml")]))
def test_topics_and_targets(folder: Path, content: bytes) -> None:
    file = planted.plant(folder, "x.yaml", content)
    for read in (lambda: yamlfile.load(file, TopicsFile), lambda: target.load(folder, str(file))):
        with _told_of(file):
            read()


@EXAMPLES
@given(_anything([*_files("spark/rules.yaml"), *_files("ksql/cases/*.yaml")]))
def test_data(folder: Path, content: bytes) -> None:
    file = planted.plant(folder, "x.yaml", content)
    with _told_of(file):
        yamlfile.load(file, dict)


@EXAMPLES
@given(_anything(_files("schemas/*.avsc")))
def test_avro(folder: Path, content: bytes) -> None:
    file = planted.plant(folder, "x.avsc", content)
    with _told_of(file):
        schema = schemas.read(file)
        canonical(contract(annotate(schema, {})))


@EXAMPLES
@given(_anything(_files("ksql/*.sql")))
def test_sql(folder: Path, content: bytes) -> None:
    file = planted.plant(folder, "sql/x.sql", content)
    known = schemas.load(REPOSITORY / "schemas")
    with _told_of(file):
        analyse(reader.load(file.parent), known)


@EXAMPLES
@given(_anything(_files("connectors/templates/*.j2")))
def test_templates(folder: Path, content: bytes) -> None:
    file = planted.plant(folder, "connectors/templates/x.yaml.j2", content)
    given_ = {"topics": ["a", "b"], "topic": "a", "name": "n", "key": ["k"], "replication": 1}
    with _told_of(file):
        rendering.Renderer(folder).render(file.name, given_, folder / "spec.yaml")
    with _told_of(file):
        templates.load(folder)
    file.unlink()


@EXAMPLES
@given(_anything(["POSTGRES_PASSWORD=secret-1\n# A comment\nexport B='two words'\n"]))
def test_secrets(folder: Path, content: bytes) -> None:
    file = planted.plant(folder, "secrets.env", content)
    with _told_of(file):
        assert all(isinstance(value, str) for value in envfile.read(file).values())


@settings(EXAMPLES, max_examples=1000 if IS_LONG else 40)
@given(st.data())
def test_a_whole_repository(folder: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from([planted.SINK, planted.SOURCE, planted.SCHEMA, "topics.yaml"]))
    before = (folder / path).read_text()
    planted.plant(folder, path, data.draw(_anything([before])))
    with _told_of(folder):
        planted.render(folder)
    planted.plant(folder, path, before)
