"""All manifests, as files: one for each resource."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from pipeline.kubernetes import deployment, names, resources, users
from pipeline.kubernetes.secret import Secret
from pipeline.kubernetes.settings import Strimzi
from pipeline.repository import rights
from pipeline.repository.project import Project
from pipeline.repository.target import Target
from pipeline.resources.desired import Desired

PART_OF = "app.kubernetes.io/part-of"
# Numbers to one reader of YAML or another: 1e5, 010, 1_000.
LIKE_A_NUMBER = re.compile(r"[-+.]?\d")


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such, and no alias."""

    def ignore_aliases(self, data: Any) -> bool:
        """Says that everything is written out."""
        del data
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else '"' if LIKE_A_NUMBER.match(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def of(
    project: Project, target: Target, desired: Desired, passwords: Iterable[str]
) -> dict[Path, str]:
    """The manifests by their paths below the folder that they are written to.

    `passwords` are the names of the secrets that the roles of the database get.

    Raises:
        UsageError: the target has a log-in or a secret that is none on Kubernetes.
        SpecError: a file of the repository is no text.
    """
    called = target.strimzi or Strimzi.model_validate({})
    owner = target.pipeline
    files = deployment.declared(project.root)
    files[deployment.TARGET] = deployment.target_file(target, called)
    maps = deployment.config_maps(files, owner, called)
    jobs = deployment.job(files, target, called)
    programs = users.users(rights.rights(project, desired, target), target.kafka, called)
    topics, connectors, connect = _of_strimzi(project, target, desired, called)
    secret = Secret(called.namespace, called.secret)
    needed = {*secret.keys(list(connectors.values())), *secret.keys(connect)}
    making = _comment(called, called.secret, sorted(needed))
    own = [*deployment.secret_keys(target), *passwords]
    deploying = _comment(called, called.deployment, own)
    return {
        **{Path("topics") / f"{n}.yaml": _yaml(m, owner) for n, m in topics.items()},
        **{Path("connectors") / f"{n}.yaml": _yaml(m, owner) for n, m in connectors.items()},
        **{Path("users") / f"{n}.yaml": _yaml(m, owner) for n, m in programs.items()},
        Path("connect") / f"{called.cluster}.yaml": making + _yaml(connect, owner),
        Path("connect") / "role.yaml": _yaml(resources.role(called), owner),
        Path("connect") / "role-binding.yaml": _yaml(resources.binding(called), owner),
        **{Path("jobs") / f"{n}.yaml": _yaml(m, owner) for n, m in maps.items()},
        **{Path("jobs") / f"{n}.yaml": deploying + _yaml(m, owner) for n, m in jobs.items()},
    }


def _of_strimzi(
    project: Project, target: Target, desired: Desired, called: Strimzi
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The topics and the connectors, by their names on Kubernetes, and Kafka Connect."""
    by_topic = names.unique(topic.name for topic in desired.topics)
    topics = {
        by_topic[topic.name]: resources.topic(topic, by_topic[topic.name], called)
        for topic in desired.topics
    }
    connectors = {c.name: resources.connector(c, called) for c in desired.connectors}
    replication = project.topics.defaults.replication
    kafka = target.kafka_of("connect")
    return topics, connectors, resources.connect(kafka, target.registry, replication, called)


def _comment(called: Strimzi, secret: str, keys: Iterable[str]) -> str:
    """Which Secret a person has to make: docs/kubernetes.md says how."""
    return (
        f"# Needs the Secret {secret} in the namespace {called.namespace}, which no file has.\n"
        f"# Its keys: {', '.join(keys)}.\n"
    )


def _yaml(manifest: dict[str, Any], owner: str) -> str:
    """The manifest, with a label that all of them have."""
    labels = {**manifest["metadata"].get("labels", {}), PART_OF: owner}
    labelled = {**manifest, "metadata": {**manifest["metadata"], "labels": labels}}
    return yaml.dump(labelled, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
