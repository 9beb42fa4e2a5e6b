"""Strimzi's resources: topics, connectors, Kafka Connect, and what its pods may read."""

from collections.abc import Mapping
from typing import Any

from pipeline.kubernetes import client, worker
from pipeline.kubernetes.secret import Secret
from pipeline.kubernetes.settings import Strimzi
from pipeline.repository.connections import Http
from pipeline.resources.connector import Connector
from pipeline.resources.topic import Topic
from pipeline.resources.validity import OWNER_KEY

VERSION = "kafka.strimzi.io/v1"
RBAC = "rbac.authorization.k8s.io"
CLUSTER = "strimzi.io/cluster"
CONNECTORS = "strimzi.io/use-connector-resources"
CLASS, TASKS, PLUGIN = "connector.class", "tasks.max", "connector.plugin.version"
# What the resource has fields for; and our own mark, which says nothing to Strimzi.
ELSEWHERE = {CLASS, TASKS, PLUGIN, "name", OWNER_KEY}
# A source that has written all it has ends with an error: it is restarted for about two hours.
RESTARTS = 7
# As in compose.yaml.
HEAP = {"-Xms": "512m", "-Xmx": "1024m"}
MEMORY = "2Gi"


def topic(declared: Topic, name: str, names: Strimzi) -> dict[str, Any]:
    """A KafkaTopic. `name` is what Kubernetes calls it."""
    return {
        "apiVersion": VERSION,
        "kind": "KafkaTopic",
        "metadata": {**metadata(name, names), "labels": {CLUSTER: names.kafka}},
        "spec": {
            "topicName": declared.name,
            "partitions": declared.partitions,
            "replicas": declared.replication,
            "config": dict(declared.config),
        },
    }


def connector(declared: Connector, names: Strimzi) -> dict[str, Any]:
    """A KafkaConnector, whose secrets are references to the Secret."""
    secret = Secret(names.namespace, names.secret)
    config = {
        key: secret.of_text(f"{declared.name}: {key}", value)
        for key, value in declared.config.items()
    }
    restarts = {} if declared.is_sink else {"maxRestarts": RESTARTS}
    version = {"version": config[PLUGIN]} if PLUGIN in config else {}
    return {
        "apiVersion": VERSION,
        "kind": "KafkaConnector",
        "metadata": {**metadata(declared.name, names), "labels": {CLUSTER: names.cluster}},
        "spec": {
            "class": config[CLASS],
            **version,
            "tasksMax": int(config.get(TASKS, "1")),
            # Connectors can be there before the schemas and tables that they need.
            "autoRestart": {"enabled": True, **restarts},
            "config": {key: value for key, value in config.items() if key not in ELSEWHERE},
        },
    }


def connect(
    kafka: Mapping[str, str], registry: Http, replication: int, names: Strimzi
) -> dict[str, Any]:
    """Kafka Connect. `kafka` has the properties of its clients, by librdkafka's names.

    Raises:
        UsageError: Strimzi's workers cannot log in so.
    """
    secret = Secret(names.namespace, names.secret)
    return {
        "apiVersion": VERSION,
        "kind": "KafkaConnect",
        "metadata": {**metadata(names.cluster, names), "annotations": {CONNECTORS: "true"}},
        "spec": {
            "replicas": names.replicas,
            "image": names.connect_image,
            **client.connection(kafka, secret),
            "groupId": worker.GROUP,
            **worker.STORAGE,
            "config": {**worker.config(registry, secret, replication), **client.settings(kafka)},
            "jvmOptions": HEAP,
            "resources": {"requests": {"memory": MEMORY}, "limits": {"memory": MEMORY}},
        },
    }


def role(names: Strimzi) -> dict[str, Any]:
    """The right to read the one Secret."""
    rule = {
        "apiGroups": [""],
        "resources": ["secrets"],
        "resourceNames": [names.secret],
        "verbs": ["get"],
    }
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "Role",
        "metadata": metadata(_reader(names), names),
        "rules": [rule],
    }


def binding(names: Strimzi) -> dict[str, Any]:
    """Gives that right to the account that Strimzi makes for the pods of Kafka Connect."""
    account = f"{names.cluster}-connect"
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": metadata(_reader(names), names),
        "subjects": [
            {"kind": "ServiceAccount", "name": account, "namespace": names.namespace},
        ],
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": _reader(names)},
    }


def metadata(name: str, names: Strimzi) -> dict[str, Any]:
    """The name and the namespace of a resource."""
    return {"name": name, "namespace": names.namespace}


def _reader(names: Strimzi) -> str:
    return f"{names.cluster}-connect-secret"
