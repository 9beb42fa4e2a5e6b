"""What the cluster's parts need before they start: certificates, configurations, storage."""

import base64
import hashlib
import os
import secrets as random
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment

from pipeline.repository import javaclient
from pipeline.repository.connections import REFERENCE, SERVERS, resolve
from pipeline.repository.target import WORKER_VARIABLES
from stack.cluster import ports as numbers
from stack.cluster.ports import Ports
from stack.cluster.services import variables
from stack.layout import Layout
from stack.service import address, native

# Kafka's own number for all brokers of this cluster: 22 letters of URL-safe Base64.
CLUSTER_ID = "aG9zcGl0YWwtY2x1c3Rlcg"
# The brokers, each with the name of its configuration.
BROKERS = {f"kafka-{number}": f"kafka-{number}.properties" for number in numbers.BROKERS}
HBA = """# By TLS only, and with a password.
hostssl all all 127.0.0.1/32 scram-sha-256
"""
JAAS = """KafkaConnect {{
  org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule required
  file="{file}";
}};
"""


def worker(layout: Layout, ports: Ports, number: int) -> Mapping[str, Any]:
    """What a Connect worker's configuration has of its own."""
    target = layout.target
    user, _, password = _in_environment(target.registry.user_info or "").partition(":")
    kafka = {key: _in_environment(value) for key, value in target.kafka_of("connect").items()}
    properties = javaclient.by_reference(kafka)
    return {
        "port": ports.worker(number),
        "kafka": {k: v for k, v in properties.items() if not k.startswith("config.providers")},
        "replication": len(numbers.BROKERS),
        "registry": native(target.registry.url),
        "log_in": {"apicurio.auth.username": user, "apicurio.auth.password": password},
        "variables": (*WORKER_VARIABLES, *variables(target)),
        "asks_for_log_in": True,
    }


def _in_environment(text: str) -> str:
    """A text with references to the environment: the worker's has the secrets that it needs."""
    return REFERENCE.sub(lambda found: f"${{env:{found.group(3)}}}", text)


def configuration(layout: Layout, ports: Ports, jinja: Environment) -> dict[str, str]:
    """The texts of the files in the run folder, by name, beside those that every stack has."""
    target = layout.target
    values = {
        "kafka": target.kafka[SERVERS].split(","),
        "brokers": numbers.BROKERS,
        "workers": numbers.WORKERS,
        "ports": ports,
        "tls": layout.tls,
        "data": layout.data,
        "run": layout.run,
        "root": os.geteuid() == 0,
        "connect_port": address(target.connect.url)[1],
        "proxied": _proxied(layout, ports),
    }
    broker = jinja.get_template("cluster/server.properties.j2")
    user, _, password = resolve("connect", target.connect.user_info or "").partition(":")
    return {
        **{f"kafka-{n}.properties": broker.render(values, number=n) for n in numbers.BROKERS},
        "nginx.conf": jinja.get_template("cluster/nginx.conf.j2").render(values),
        "users": f"{user}:{_hashed(password)}",
        "connect.users": f"{user}={password}",
        "connect.jaas": JAAS.format(file=layout.run / "connect.users"),
        "pg_hba.conf": HBA,
    }


def _proxied(layout: Layout, ports: Ports) -> list[tuple[int, int]]:
    """The ports that the proxy listens on, each with that of the service behind."""
    target = layout.target
    found = [(target.registry, ports.registry)]
    if target.flink:
        found += [(target.flink.gateway, ports.gateway), (target.flink.cluster, ports.flink)]
    return [(address(place.url)[1], behind) for place, behind in found]


def _hashed(password: str) -> str:
    """A salted hash, as nginx reads it. The password is long and random."""
    salt = random.token_bytes(8)
    digest = hashlib.sha1(password.encode() + salt).digest()  # noqa: S324 - of nginx's {SSHA}
    return "{SSHA}" + base64.b64encode(digest + salt).decode()
