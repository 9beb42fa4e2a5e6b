"""The Job that deploys what Strimzi has no operator for: schemas, tables and statements.

It runs `render.py deploy` on what the repository declares, which ConfigMaps bring to it.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from pipeline import textfile
from pipeline.errors import UsageError
from pipeline.kubernetes import names as naming
from pipeline.kubernetes.resources import metadata
from pipeline.kubernetes.secret import file_key, keys_of
from pipeline.kubernetes.settings import Strimzi
from pipeline.repository import rules
from pipeline.repository import schemas as schema_files
from pipeline.repository.connections import PATH
from pipeline.repository.loader import CONNECTORS, KINDS
from pipeline.repository.project import SCRIPT
from pipeline.repository.target import NEEDED, Target
from pipeline.repository.templates import FOLDER as TEMPLATES
from pipeline.repository.templates import SUFFIX

# The folders of what is declared, with how the files there end.
FOLDERS: tuple[tuple[Path, str], ...] = (
    *((Path(CONNECTORS) / kind, ".yaml") for kind in KINDS),
    (TEMPLATES, SUFFIX),
    (Path("ksql"), ".sql"),
    (schema_files.FOLDER, ".avsc"),
)
FILES = (Path("topics.yaml"), SCRIPT, rules.FILE)
# What the Job is told of the target: its secrets are variables of the pod.
TARGET = PurePosixPath("targets") / "kubernetes.yaml"
NOT_THERE = {"secrets", "embedded"}
# The services that the Job itself talks to.
REACHED = ("kafka", "registry", "ksqldb", "flink", "postgres")
# Of images/deploy.Dockerfile.
PROGRAM = "/opt/hospital/render.py"
USER = 1000
DECLARED = "/opt/declared"
STATE = "/var/lib/hospital"
MEMORY = "1Gi"
# With pauses that double up to six minutes: most of an hour, in which Strimzi makes the topics.
ATTEMPTS = 12


def declared(root: Path) -> dict[PurePosixPath, str]:
    """The files that a deployment reads, by their paths in the repository.

    Raises:
        SpecError: one is no file of text.
    """
    found = [f for folder, end in FOLDERS for f in textfile.listed(root / folder, end)[0]]
    found += [root / file for file in FILES if textfile.exists(root / file)]
    return {PurePosixPath(f.relative_to(root).as_posix()): textfile.read(f) for f in found}


def target_file(target: Target, names: Strimzi) -> str:
    """The target as the Job reads it."""
    settings = target.model_dump(
        mode="json", by_alias=True, exclude_none=True, exclude_defaults=True, exclude=NOT_THERE
    )
    own = {"state": STATE, "strimzi": names.model_dump()}
    return yaml.safe_dump({**settings, **own}, sort_keys=False)


def config_maps(
    files: Mapping[PurePosixPath, str], owner: str, names: Strimzi
) -> dict[str, dict[str, Any]]:
    """A ConfigMap for each folder of the repository, by its name."""
    found: dict[str, dict[str, Any]] = {}
    for path, text in sorted(files.items()):
        name = _config_map(path, owner)
        made = found.setdefault(
            name,
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": metadata(name, names),
                "data": {},
            },
        )
        made["data"][path.name] = text
    return found


def job(
    files: Mapping[PurePosixPath, str], target: Target, names: Strimzi
) -> dict[str, dict[str, Any]]:
    """The Job, by its name. That changes with what is deployed: a Job runs once.

    Raises:
        UsageError: the target refers to a file for a secret, or two files are called the same.
    """
    spec = _spec(files, target, names)
    name = f"{target.pipeline}-deploy-{naming.digest(json.dumps([spec, *_texts(files)]))}"
    made = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(name, names),
        "spec": spec,
    }
    return {name: made}


def secret_keys(target: Target) -> list[str]:
    """The keys of the Job's Secret that the target asks for.

    Raises:
        UsageError: the target refers to a file for a secret.
    """
    own = [key for setting, text in _reached(target) for key in keys_of(setting, text)]
    return [*dict.fromkeys([NEEDED, *own, *_mounted(target).values()])]


def _spec(files: Mapping[PurePosixPath, str], target: Target, names: Strimzi) -> dict[str, Any]:
    secret_keys(target)
    container = {
        "name": "deploy",
        "image": names.image,
        "command": ["python", PROGRAM, "deploy", "--target", TARGET.stem],
        "workingDir": DECLARED,
        "envFrom": [{"secretRef": {"name": names.deployment}}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "resources": {"requests": {"memory": MEMORY}, "limits": {"memory": MEMORY}},
        "volumeMounts": [
            {"name": "declared", "mountPath": DECLARED, "readOnly": True},
            *_mounts(target),
            *({"name": volume["name"], "mountPath": STATE} for volume in _state(target)),
        ],
    }
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [
            {"name": "declared", "projected": {"sources": _sources(files, target)}},
            *_secret_volume(target, names),
            *_state(target),
        ],
    }
    return {"backoffLimit": ATTEMPTS, "template": {"spec": pod}}


def _sources(files: Mapping[PurePosixPath, str], target: Target) -> list[dict[str, Any]]:
    by_map: dict[str, list[dict[str, str]]] = {}
    for path in sorted(files):
        item = {"key": path.name, "path": str(path)}
        by_map.setdefault(_config_map(path, target.pipeline), []).append(item)
    return [{"configMap": {"name": name, "items": items}} for name, items in by_map.items()]


def _config_map(path: PurePosixPath, owner: str) -> str:
    return "-".join((owner, *path.parent.parts)) if path.parent.parts else f"{owner}-topics"


def _texts(files: Mapping[PurePosixPath, str]) -> list[tuple[str, str]]:
    return [(str(path), text) for path, text in sorted(files.items())]


def _reached(target: Target) -> Iterator[tuple[str, str]]:
    """The settings of the services that the Job talks to, flat."""
    settings = target.model_dump(by_alias=True, exclude_none=True, include=set(REACHED))
    for service in REACHED:
        if service in settings:
            yield from _flat(service, settings[service])


def _flat(place: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(f"{place}.{key}", item)
    elif isinstance(value, str):
        yield place, value


def _mounted(target: Target) -> dict[str, str]:
    """The keys of the certificates' files, by the paths that the target says.

    Raises:
        UsageError: two files are called the same.
    """
    found = {text: file_key(text) for setting, text in _reached(target) if _is_path(setting)}
    for path, key in found.items():
        other = next((one for one, name in found.items() if name == key and one != path), None)
        if other:
            raise UsageError(f"{path} and {other} are both the key {key} of a Secret: rename one")
    return found


def _is_path(setting: str) -> bool:
    service, _, key = setting.partition(".")
    return service in REACHED and bool(PATH.search(key))


def _mounts(target: Target) -> list[dict[str, Any]]:
    return [
        {"name": "files", "mountPath": path, "subPath": key, "readOnly": True}
        for path, key in _mounted(target).items()
    ]


def _secret_volume(target: Target, names: Strimzi) -> list[dict[str, Any]]:
    secret = {"secretName": names.deployment}
    return [{"name": "files", "secret": secret}] if _mounted(target) else []


def _state(target: Target) -> list[dict[str, Any]]:
    """The volume in which Flink finds the plans of its jobs again; ksqlDB needs none."""
    if not target.flink or target.ksqldb:
        return []
    claim = {"claimName": f"{target.pipeline}-state"}
    return [{"name": "state", "persistentVolumeClaim": claim}]
