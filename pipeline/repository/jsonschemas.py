"""JSON Schemas of the YAML files, for completion and checks in editors.

`make spec-schema` writes them to editor/. Run it after you change a template or a model.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from pipeline.cases.files import CasesFile
from pipeline.repository import dashboards, loader, templates
from pipeline.repository.rules import Rules
from pipeline.repository.specs import TopicsFile
from pipeline.repository.target import Target

FOLDER = Path("editor")
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def all_schemas(root: Path) -> Mapping[str, Any]:
    """The schemas by file name.

    Raises:
        SpecError: a template's header has mistakes.
    """
    models = {
        "spec": loader.spec_model(templates.load(root).values()),
        "topics": TopicsFile,
        "target": Target,
        "rules": Rules,
        "case": CasesFile,
        "metrics": dict[dashboards.Name, dashboards.Metric],
        "page": dashboards.Page,
    }
    return {
        f"{name}.schema.json": {"$schema": DIALECT, **TypeAdapter(model).json_schema()}
        for name, model in models.items()
    }


def write(root: Path) -> None:
    """Writes the schemas to editor/."""
    (root / FOLDER).mkdir(exist_ok=True)
    for name, schema in all_schemas(root).items():
        (root / FOLDER / name).write_text(json.dumps(schema, indent=2) + "\n")


if __name__ == "__main__":
    write(Path())
