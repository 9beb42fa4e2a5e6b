"""schemas/*.avsc as files: every mistake is found at once."""

from pathlib import Path

import pytest

from pipeline.errors import SpecError
from pipeline.paths import REPOSITORY
from pipeline.repository import schemas


def test_the_schemas_of_the_repository_are_read_by_topic() -> None:
    loaded = schemas.load(REPOSITORY / "schemas")
    assert loaded["patients"]["name"] == "Patient"
    assert loaded.keys() == {file.stem for file in (REPOSITORY / "schemas").glob("*.avsc")}


def test_every_mistake_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "a.avsc").write_text('{\n"type": "record"')
    (tmp_path / "b.avsc").write_text('"string"')
    (tmp_path / "c.avsc").write_text('{"type": "record", "name": "R", "fields": []}')
    with pytest.raises(SpecError) as caught:
        schemas.load(tmp_path)
    broken, no_record = map(str, caught.value.mistakes)
    assert broken.startswith(f"{tmp_path}/a.avsc:2: not JSON: ")
    assert no_record == f"{tmp_path}/b.avsc:1: the top level must be a record"
