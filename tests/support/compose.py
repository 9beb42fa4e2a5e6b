"""Finds mistakes in compose.yaml without a Docker engine.

Docker Compose itself reads the file; each check then yields a message per mistake.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from pipeline.repository.target import Target
from pipeline.resources.validity import OUR_KEYS, UNLISTED_KEYS

KNOWN = Path(__file__).parents[1] / "unit" / "known"
COMPOSE = Path(sys.executable).parent / "docker-compose"
# A name and a port, as in http://connect:8083 or kafka:19092.
PEER = re.compile(r"(?<![\w.-])([a-z][a-z0-9-]*):(\d{2,5})\b")
OURSELVES = {"localhost"}
# ub multiplies its timeout by a second twice: from 10 s on, the product overflows.
UB_TIMEOUT_S = 9
Services = Mapping[str, Any]
Config = Mapping[str, str]


@dataclass(frozen=True)
class Image:
    """What known/images.yaml says of an image."""

    has: frozenset[str]
    prefix: str | None
    variables: frozenset[str]


def resolve(text: str, root: Path, env_file: Path) -> tuple[Services, list[str]]:
    """The services as Docker Compose understands them, and what it says against the file."""
    command = [str(COMPOSE), "--project-directory", str(root), "--env-file", str(env_file)]
    command += ["--profile", "*", "--file", "-", "config", "--format", "json"]
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, check=False, env={"HOME": str(root)}
    )
    services = json.loads(done.stdout)["services"] if done.returncode == 0 else {}
    return services, done.stderr.splitlines()


@cache
def names(file: str) -> frozenset[str]:
    """The names in a file of known/."""
    return frozenset((KNOWN / f"{file}.txt").read_text().split())


@cache
def images() -> Mapping[str, Image]:
    """What is known of the images, by name without tag."""
    entries = yaml.safe_load((KNOWN / "images.yaml").read_text())
    return {
        name: Image(
            frozenset(entry["has"]), entry.get("prefix"), frozenset(entry.get("variables", ()))
        )
        for name, entry in entries.items()
        if entry["because"]
    }


def base(service: Mapping[str, Any], root: Path) -> str:
    """The service's image, or what its Dockerfile's last stage is made from."""
    if "build" not in service:
        return str(service["image"])
    dockerfile = (root / service["build"]["dockerfile"]).read_text()
    return str(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)[-1])


def pinned(services: Services, root: Path) -> Iterator[str]:
    """Each image has a version."""
    for name, service in services.items():
        tag = base(service, root).partition(":")[2]
        if not re.search(r"\d+\.\d+", tag):
            yield f"{name}: image {base(service, root)} has no exact version"


def guarded(services: Services) -> Iterator[str]:
    """Each service has a memory limit, and cannot gain privileges."""
    for name, service in services.items():
        if not int(service.get("mem_limit", 0)):
            yield f"{name}: has no mem_limit"
        if "no-new-privileges:true" not in service.get("security_opt", ()):
            yield f"{name}: may gain privileges"


def ordered(services: Services) -> Iterator[str]:
    """Each service waits for what it needs to be healthy, or to have completed."""
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            once = services[needed].get("restart") == "no"
            wanted = "service_completed_successfully" if once else "service_healthy"
            if how["condition"] != wanted:
                yield f"{name}: depends on {needed} with {how['condition']}, not {wanted}"


def health(services: Services, root: Path) -> Iterator[str]:
    """Each service that stays has a health check, whose program is in its image."""
    for name, service in services.items():
        if service.get("restart") == "no":
            continue
        test = service.get("healthcheck", {}).get("test")
        if not test:
            yield f"{name}: has no health check"
            continue
        image = base(service, root).partition(":")[0]
        for program in _programs(test) - images()[image].has:
            yield f"{name}: its health check calls {program}, which {image} is not known to have"
        if test[1] == "ub" and int(test[-1]) > UB_TIMEOUT_S:
            yield f"{name}: ub's timeout of {test[-1]} s overflows; {UB_TIMEOUT_S} is the most"


def _programs(test: list[str]) -> set[str]:
    if test[0] == "CMD":
        return {test[1]}
    return {"sh", *re.findall(r"(?:^|\$\(|[|;&]\s*)([a-z][\w-]*)", test[1])}


def ports(services: Services) -> Iterator[str]:
    """Ports are published on loopback only, each for one service."""
    users = defaultdict(list)
    for name, service in services.items():
        for port in service.get("ports", ()):
            users[port["published"]].append(name)
            if port.get("host_ip") != "127.0.0.1":
                yield f"{name}: port {port['published']} is not on loopback"
    for port, who in users.items():
        if len(who) > 1:
            yield f"port {port}: {' and '.join(who)} both publish it"


def peers(services: Services) -> Iterator[str]:
    """Each host that a service refers to is a service, and listens on the port."""
    for name, service in services.items():
        text = json.dumps([service.get(k) for k in ("environment", "command", "healthcheck")])
        for host, port in sorted(set(PEER.findall(text))):
            if host not in OURSELVES:
                yield from _reaches(services, f"{name}: {host}:{port}", host, port)


def _reaches(services: Services, who: str, host: str, port: str) -> Iterator[str]:
    if host not in services:
        yield f"{who}: there is no service {host}"
    elif port not in _listens(host, services[host]):
        yield f"{who}: {host} does not listen on {port}"


def _listens(name: str, service: Mapping[str, Any]) -> set[str]:
    mapped = {str(port["target"]) for port in service.get("ports", ())}
    listeners = re.findall(
        rf"://(?:0\.0\.0\.0|{name}):(\d+)", json.dumps(service.get("environment", {}))
    )
    agents = re.findall(r"-javaagent:\S+?=(\d+):", json.dumps(service.get("environment", {})))
    return mapped | set(listeners) | set(agents)


def mounted(services: Services) -> Iterator[str]:
    """What is mounted from the repository exists."""
    for name, service in services.items():
        for volume in service.get("volumes", ()):
            if volume["type"] == "bind" and not Path(volume["source"]).exists():
                yield f"{name}: mounts {volume['source']}, which does not exist"


def target(services: Services, declared: Target) -> Iterator[str]:
    """The target's hosts are services, at a port that they are known to listen on."""
    addresses = [
        declared.kafka["bootstrap.servers"],
        declared.registry,
        declared.connect,
        declared.ksqldb,
        declared.rest,
    ]
    addresses += [declared.airflow, f"{declared.postgres.host}:{declared.postgres.port}"]
    for address in map(str, filter(None, addresses)):
        parts = urlsplit(address if "//" in address else f"//{address}")
        yield from _reaches(services, address, str(parts.hostname), str(parts.port))
    published = {f"{p['host_ip']}:{p['published']}" for p in services["postgres"]["ports"]}
    if declared.postgres.published not in published:
        yield f"{declared.postgres.published}: postgres is published at {published}"


def variables(services: Services, root: Path) -> Iterator[str]:
    """Each variable that an image turns into a property is one of its server's."""
    for name, service in services.items():
        image = images()[base(service, root).partition(":")[0]]
        if not image.variables:
            continue
        is_property = PROPERTIES.get(image.prefix or "")
        for variable in service.get("environment", {}):
            if variable in image.variables:
                continue
            if not image.prefix or not is_property or not variable.startswith(image.prefix):
                yield f"{name}: {variable}: not known to its image"
            elif not is_property(converted(variable.removeprefix(image.prefix))):
                property_ = converted(variable.removeprefix(image.prefix))
                yield f"{name}: {variable}: {property_} is no property of the server"


def converted(variable: str) -> str:
    """A variable's property, by the rules of Confluent's images."""
    dotted = re.sub(r"(?<!_)_(?!_)", ".", variable)
    return dotted.replace("___", "-").replace("__", "_").lower()


def _is_worker(name: str) -> bool:
    for prefix, file in {
        "value.converter.": "converter",
        "key.converter.": "converter",
        "producer.": "producer",
        "consumer.": "consumer",
    }.items():
        if name.startswith(prefix) and name.removeprefix(prefix) in names(file):
            return True
    provider = re.fullmatch(r"config\.providers\.\w+\.(class|param\..+)", name)
    return bool(provider) or name in names("worker")


def _is_ksqldb(name: str) -> bool:
    streams = name.removeprefix("ksql.streams.")
    if streams != name:
        return streams in names("streams") | names("consumer") | names("producer")
    return name in names("ksqldb")


PROPERTIES: Mapping[str, Callable[[str], bool]] = {
    "KAFKA_": lambda name: name in names("broker"),
    "CONNECT_": _is_worker,
    "SCHEMA_REGISTRY_": lambda name: name in names("schema-registry"),
    "KAFKA_REST_": lambda name: name in names("rest-proxy"),
    "KSQL_": _is_ksqldb,
}


def connector(name: str, config: Config, *, is_sink: bool) -> Iterator[str]:
    """The class is a plugin of the image, and each property is known to it or to Connect."""
    wanted = config["connector.class"]
    plugins = {file.stem for file in (KNOWN / "plugins").glob("*.txt")}
    full = [plugin for plugin in plugins if plugin == wanted or plugin.endswith(f".{wanted}")]
    if not full:
        yield f"{name}: connector.class: {wanted} is no plugin of the image"
        return
    client = "consumer" if is_sink else "producer"
    known = names(f"plugins/{full[0]}") | names("connector") | OUR_KEYS | UNLISTED_KEYS
    for key in config:
        override = key.removeprefix(f"{client}.override.")
        if key in known or (override != key and override in names(client)):
            continue
        if not _of_transform(key, config) and not key.startswith("hibernate."):
            yield f"{name}: {key}: known neither to {full[0]} nor to Connect"


def _of_transform(key: str, config: Config) -> bool:
    alias = key.split(".")[1] if key.startswith("transforms.") else ""
    if alias not in config.get("transforms", "").split(","):
        return False
    kind = config[f"transforms.{alias}.type"]
    file = KNOWN / "plugins" / f"{kind}.txt"
    return file.is_file() and key.split(".", 2)[2] in {"type", *names(f"plugins/{kind}")}


def differences(compose: Config, embedded: Config, wanted: Mapping[str, str]) -> Iterator[str]:
    """What one target sets and the other does not, but for what `wanted` gives a reason for."""
    for key in sorted({*compose, *embedded} - set(wanted)):
        if compose.get(key) != embedded.get(key):
            yield f"{key}: compose has {compose.get(key)}, embedded {embedded.get(key)}"
