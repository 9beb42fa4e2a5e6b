"""The manifests for Kubernetes: what Strimzi's operators get, and the Job that deploys the rest."""

import json
import re
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from pipeline.clients.postgres import ROLE_PASSWORDS
from pipeline.errors import UsageError
from pipeline.kubernetes import client, deployment, manifests, names, worker
from pipeline.kubernetes.secret import Secret
from pipeline.options import Format
from pipeline.paths import REPOSITORY
from pipeline.repository import desired as declarations
from pipeline.repository import loader
from pipeline.repository import target as targets
from pipeline.repository.connections import Http
from pipeline.repository.target import Target
from pipeline.resources.desired import Desired
from pipeline.writing import write
from tests.support import compose, golden, workspace

SCHEMAS = REPOSITORY.parent / "shared" / "strimzi"
TARGETS = ("embedded", "compose", "example-secured", "example-kubernetes")
GOLDEN = {
    "compose": ("topics/labs-sink-dlq.yaml", "connectors/labs-sink.yaml"),
    "example-secured": (
        "connect/hospital.yaml",
        "connect/role.yaml",
        "connect/role-binding.yaml",
        "users/hospital-produce.yaml",
    ),
}
SECRET = Secret("ns", "mine")
PLAIN = {"bootstrap.servers": "a:1,b:2"}
SCRAM = {
    **PLAIN,
    "security.protocol": "sasl_ssl",
    "sasl.mechanism": "SCRAM-SHA-512",
    "sasl.username": "ann",
    "sasl.password": "${env:KAFKA_PASSWORD}",
    "ssl.ca.location": "/etc/tls/ca.pem",
}
MUTUAL = {
    **PLAIN,
    "security.protocol": "SSL",
    "ssl.ca.location": "/etc/tls/ca.pem",
    "ssl.certificate.location": "/etc/tls/ann.pem",
    "ssl.key.location": "/etc/tls/ann.key",
}

PAGE = (REPOSITORY / "docs" / "kubernetes.md").read_text()

needs_schemas = pytest.mark.skipif(
    not SCHEMAS.is_dir(), reason="no copy of Strimzi's JSON schemas is beside the repository"
)


@cache
def _target(name: str) -> Target:
    return targets.load(REPOSITORY, name)


def _declared(root: Path, target: Target) -> Desired:
    return declarations.render(loader.load(root, target), target.pipeline, (), target.variables)


def _texts(target: Target, root: Path = REPOSITORY) -> dict[str, str]:
    project = loader.load(root, target)
    desired = _declared(root, target)
    found = manifests.of(project, target, desired, ROLE_PASSWORDS.values())
    return {path.as_posix(): text for path, text in found.items()}


@cache
def _all(name: str) -> Mapping[str, Any]:
    return {path: yaml.safe_load(text) for path, text in _texts(_target(name)).items()}


def _of_kind(name: str, kind: str) -> list[Any]:
    return [manifest for manifest in _all(name).values() if manifest["kind"] == kind]


def _changed(folder: Path, **settings: Any) -> Target:
    base = yaml.safe_load((REPOSITORY / "targets" / "compose.yaml").read_text())
    file = folder / "t.yaml"
    file.write_text(yaml.safe_dump({**base, **settings}, sort_keys=False))
    return targets.load(folder, str(file))


def _errors(manifest: Any) -> list[str]:
    """What Strimzi's definition of the kind says to a manifest."""
    file = SCHEMAS / f"{manifest['kind']}.v1.schema.json"
    found = Draft7Validator(json.loads(file.read_text())).iter_errors(manifest)
    return [f"{'.'.join(map(str, e.absolute_path))}: {e.message}" for e in found]


@pytest.mark.parametrize(("name", "path"), [(n, p) for n, paths in GOLDEN.items() for p in paths])
def test_a_manifest_is_golden(name: str, path: str) -> None:
    golden.check(f"strimzi/{path}", _texts(_target(name))[path])


@needs_schemas
@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("kind", ["KafkaTopic", "KafkaConnector", "KafkaConnect", "KafkaUser"])
def test_strimzi_takes_every_manifest(name: str, kind: str) -> None:
    found = _of_kind(name, kind)
    assert found
    assert {manifest["apiVersion"] for manifest in found} == {"kafka.strimzi.io/v1"}
    assert [error for manifest in found for error in _errors(manifest)] == []


@needs_schemas
@pytest.mark.parametrize(
    ("kind", "key", "value", "said"),
    [
        ("KafkaTopic", "partitons", 4, "spec: Additional properties are not allowed"),
        ("KafkaTopic", "partitions", "4", "spec.partitions: '4' is not of type 'integer'"),
        ("KafkaConnector", "tasksMax", "1", "spec.tasksMax: '1' is not of type 'integer'"),
        ("KafkaConnector", "config", [], "spec.config: [] is not of type 'object'"),
        ("KafkaConnect", "groupId", None, "spec: 'groupId' is a required property"),
        ("KafkaConnect", "bootstrapServers", None, "'bootstrapServers' is a required property"),
        ("KafkaConnect", "authentication", {"type": "scram"}, "'scram' is not one of"),
        ("KafkaUser", "authentication", {"type": "plain"}, "'plain' is not one of"),
        (
            "KafkaUser",
            "authorization",
            {"type": "simple", "acls": [{}]},
            "'resource' is a required",
        ),
        ("KafkaConnect", "tls", {"trustedCertificates": [{}]}, "'secretName' is a required"),
    ],
)
def test_the_schemas_see_a_mistake(kind: str, key: str, value: Any, said: str) -> None:
    manifest = json.loads(json.dumps(_of_kind("example-secured", kind)[0]))
    manifest["spec"][key] = value
    if value is None:
        del manifest["spec"][key]
    assert any(said in error for error in _errors(manifest))


@pytest.mark.parametrize("name", TARGETS)
def test_names_are_those_of_kubernetes_and_each_is_there_once(name: str) -> None:
    found = _all(name)
    named = [(m["kind"], m["metadata"]["name"]) for m in found.values()]
    assert len(set(named)) == len(named)
    for path, manifest in found.items():
        own = manifest["metadata"]["name"]
        assert re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", own), path
        assert manifest["metadata"]["namespace"] == "hospital"


def test_a_topic_keeps_its_name_and_is_called_like_it() -> None:
    topics = {
        m["spec"]["topicName"]: m["metadata"]["name"] for m in _of_kind("compose", "KafkaTopic")
    }
    assert topics.keys() == {t.name for t in _declared(REPOSITORY, _target("compose")).topics}
    assert topics["patient_labs"] == "patient-labs"
    assert topics["patients"] == "patients"


def test_names_that_would_be_alike_differ() -> None:
    found = names.unique(["a_b", "a__b", "a-b", "A.b", "_", "x" * 249, "x" * 250])
    assert found["a-b"] == "a-b"
    assert len(set(found.values())) == len(found)
    assert all(re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name) for name in found.values())
    assert names.unique(["a__b", "a_b"])["a_b"] == found["a_b"]
    assert names.unique(["a_b"]) == {"a_b": "a-b"}


def test_a_connector_has_what_the_worker_would_get() -> None:
    target = _target("compose")
    declared = {c.name: c for c in _declared(REPOSITORY, target).connectors}
    found = _of_kind("compose", "KafkaConnector")
    assert {m["metadata"]["name"] for m in found} == declared.keys()
    for manifest in found:
        spec, own = manifest["spec"], declared[manifest["metadata"]["name"]]
        assert manifest["metadata"]["labels"]["strimzi.io/cluster"] == "hospital"
        fields = {"connector.class": spec["class"], "tasks.max": str(spec["tasksMax"])}
        rest = {**spec["config"], **fields, "name": own.name, "managed.by": target.pipeline}
        sent = {
            key: value.replace("${secrets:hospital/hospital-connect:", "${env:")
            for key, value in rest.items()
        }
        assert sent == own.config
        assert "managed.by" not in spec["config"]
        assert ("maxRestarts" in spec["autoRestart"]) is not own.is_sink


def test_the_worker_is_that_of_compose() -> None:
    service = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())["services"]["connect"]
    there = {
        compose.converted(name.removeprefix("CONNECT_")): str(value)
        for name, value in service["environment"].items()
        if name.startswith("CONNECT_")
    }
    spec = _of_kind("compose", "KafkaConnect")[0]["spec"]
    fields = {
        "bootstrap.servers": spec["bootstrapServers"],
        "group.id": spec["groupId"],
        **{
            f"{kind}.storage.topic": spec[f"{kind}StorageTopic"]
            for kind in ("config", "status", "offset")
        },
    }
    # Strimzi's own, and the other place of secrets.
    places = ("listeners", "rest.advertised.host.name", "plugin.path")
    ours = {key: value for key, value in {**spec["config"], **fields}.items() if not _provides(key)}
    theirs = {k: v for k, v in there.items() if k not in places and not _provides(k)}
    assert ours == theirs
    heap = service["environment"]["KAFKA_HEAP_OPTS"]
    assert heap == " ".join(key + value for key, value in spec["jvmOptions"].items())


def _provides(key: str) -> bool:
    return key.startswith("config.providers")


def test_secrets_are_read_from_the_one_secret_and_nothing_else_is() -> None:
    spec = _of_kind("compose", "KafkaConnect")[0]["spec"]
    assert spec["config"]["config.providers"] == "secrets"
    provider = spec["config"]["config.providers.secrets.class"]
    assert provider == "io.strimzi.kafka.KubernetesSecretConfigProvider"
    (role,) = _of_kind("compose", "Role")
    (binding,) = _of_kind("compose", "RoleBinding")
    assert role["rules"] == [
        {
            "apiGroups": [""],
            "resources": ["secrets"],
            "resourceNames": ["hospital-connect"],
            "verbs": ["get"],
        }
    ]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    # The account that Strimzi makes: <cluster>-connect.
    assert [s["name"] for s in binding["subjects"]] == ["hospital-connect"]
    assert not _of_kind("compose", "Secret")


def test_no_secrets_value_is_in_a_manifest(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        name: f"value-of-{name}"
        for name in (
            "KAFKA_PASSWORD", "REGISTRY_USER_PASSWORD", "CONNECT_USER_PASSWORD", "JDBC_PASSWORD",
            "POSTGRES_PASSWORD", *ROLE_PASSWORDS.values(),
        )
    }  # fmt: skip
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    texts = _texts(targets.load(REPOSITORY, "example-secured"))
    assert "KAFKA_PASSWORD" in texts["connect/hospital.yaml"]
    assert [p for p, text in texts.items() if "value-of-" in text] == []
    # In jobs/, the ConfigMaps have the files as they are written.
    assert [p for p, t in texts.items() if "${env:" in t and not p.startswith("jobs/")] == []


def test_kafka_in_plain() -> None:
    assert client.connection(PLAIN, SECRET) == {"bootstrapServers": "a:1,b:2"}
    assert client.settings(PLAIN) == {}


def test_kafka_with_a_password() -> None:
    assert client.connection(SCRAM, SECRET) == {
        "bootstrapServers": "a:1,b:2",
        "tls": {"trustedCertificates": [{"secretName": "mine", "certificate": "ca.pem"}]},
        "authentication": {
            "type": "scram-sha-512",
            "username": "ann",
            "passwordSecret": {"secretName": "mine", "password": "KAFKA_PASSWORD"},
        },
    }
    unencrypted = client.connection({**SCRAM, "security.protocol": "SASL_PLAINTEXT"}, SECRET)
    assert "tls" not in unencrypted
    assert unencrypted["authentication"]["type"] == "scram-sha-512"


def test_kafka_with_a_certificate() -> None:
    found = client.connection(MUTUAL, SECRET)
    assert found["authentication"] == {
        "type": "tls",
        "certificateAndKey": {"secretName": "mine", "certificate": "ann.pem", "key": "ann.key"},
    }
    assert sorted(SECRET.keys(found)) == ["ann.key", "ann.pem", "ca.pem"]


def test_kafka_with_the_cas_of_the_image_and_hosts_unchecked() -> None:
    own = {**PLAIN, "security.protocol": "SSL", "ssl.endpoint.identification.algorithm": "none"}
    assert client.connection(own, SECRET)["tls"] == {"trustedCertificates": []}
    assert client.settings(own)["producer.ssl.endpoint.identification.algorithm"] == ""


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("sasl.mechanism", "GSSAPI", "log in with PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, and this"),
        ("sasl.username", "${env:USER}", "write the name itself"),
        ("sasl.password", "${file:/run/password}", "is on no pod: write"),
        ("sasl.password", "a${env:KAFKA_PASSWORD}", "write ${env:NAME}, for the key NAME"),
    ],
)
def test_a_log_in_that_strimzi_does_not_have_is_refused(key: str, value: str, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        client.connection({**SCRAM, key: value}, SECRET)


def test_the_registrys_certificates_and_log_in_are_references() -> None:
    registry = Http.model_validate({
        "url": "https://registry.example", "bearer": "${env:TOKEN}",
        "ssl.ca.location": "/etc/ca.pem", "ssl.certificate.location": "/etc/me.pem",
    })  # fmt: skip
    found = worker.config(registry, SECRET, 3)
    assert found["value.converter.bearer.auth.token"] == "${secrets:ns/mine:TOKEN}"
    ssl = "value.converter.schema.registry.ssl"
    assert found[f"{ssl}.truststore.certificates"] == "${secrets:ns/mine:ca.pem}"
    assert found[f"{ssl}.keystore.key"] == "${secrets:ns/mine:me.pem}"
    assert found["offset.storage.replication.factor"] == "3"


def _written(name: str, folder: Path) -> Path:
    """The files as the Job's pod has them."""
    (job,) = _of_kind(name, "Job")
    data = {m["metadata"]["name"]: m["data"] for m in _of_kind(name, "ConfigMap")}
    volumes = {v["name"]: v for v in job["spec"]["template"]["spec"]["volumes"]}
    seen = set()
    for source in volumes["declared"]["projected"]["sources"]:
        own = data[source["configMap"]["name"]]
        for item in source["configMap"]["items"]:
            file = folder / item["path"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(own[item["key"]])
            seen.add((source["configMap"]["name"], item["key"]))
    assert seen == {(config_map, key) for config_map, own in data.items() for key in own}
    return folder


@pytest.mark.parametrize("name", TARGETS)
def test_the_job_has_all_that_it_deploys(name: str, tmp_path: Path) -> None:
    target = _target(name)
    root = _written(name, tmp_path)
    own = targets.load(root, "kubernetes")
    assert own.strimzi
    kept = own.model_dump(exclude={"strimzi", "state", "secrets", "embedded"})
    assert kept == target.model_dump(exclude={"strimzi", "state", "secrets", "embedded"})
    assert own.secrets is None
    there, here = _declared(root, own), _declared(REPOSITORY, target)
    for kind in ("topics", "subjects", "tables", "connectors"):
        there_names = [item.name for item in getattr(there, kind)]
        assert there_names == [item.name for item in getattr(here, kind)]
    assert [s.schema for s in there.subjects] == [s.schema for s in here.subjects]
    assert there.script.text == here.script.text


def test_a_folder_that_links_into_another_is_read_as_a_pod_has_it(tmp_path: Path) -> None:
    real = tmp_path / "..data"
    real.mkdir()
    _written("compose", real)
    for entry in real.iterdir():
        (tmp_path / entry.name).symlink_to(entry)
    assert _declared(tmp_path, targets.load(tmp_path, "kubernetes")).subjects


def test_the_job_is_another_one_when_what_it_deploys_is_another(tmp_path: Path) -> None:
    workspace.copy(tmp_path)
    target = _target("compose")

    def name() -> str:
        (found,) = (
            p for p in _texts(target, tmp_path) if p.startswith("jobs/hospital-admissions-deploy")
        )
        return found

    before = name()
    assert name() == before
    script = tmp_path / "postgres" / "db_setup.sql"
    script.write_text(script.read_text() + "-- changed\n")
    assert name() != before


def test_the_job_gets_its_secrets_as_variables_and_files() -> None:
    (job,) = _of_kind("example-secured", "Job")
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["envFrom"] == [{"secretRef": {"name": "hospital-deploy"}}]
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert mounts["/etc/hospital/ca.pem"]["subPath"] == "ca.pem"
    assert {m["name"] for m in mounts.values()} == {v["name"] for v in pod["volumes"]}
    program = "/opt/hospital/render.py"
    assert container["command"] == ["python", program, "deploy", "--target", "kubernetes"]
    dockerfile = (REPOSITORY / "images" / "deploy.Dockerfile").read_text()
    base = (REPOSITORY / "images" / "hospital.Dockerfile").read_text()
    assert "COPY render.py ./" in dockerfile
    assert f"WORKDIR {PurePosixPath(program).parent}" in base
    assert f"--uid {pod['securityContext']['runAsUser']} " in base


def test_flink_finds_its_plans_again_and_ksqldb_needs_no_volume() -> None:
    claims = {
        name: [
            volume["persistentVolumeClaim"]["claimName"]
            for volume in _of_kind(name, "Job")[0]["spec"]["template"]["spec"]["volumes"]
            if "persistentVolumeClaim" in volume
        ]
        for name in ("embedded", "compose")
    }
    assert claims == {"embedded": ["hospital-admissions-state"], "compose": []}


def test_files_of_the_same_name_are_refused(tmp_path: Path) -> None:
    registry = {"url": "https://registry.example", "ssl.ca.location": "/a/ca.pem"}
    kafka = {"bootstrap.servers": "a:1", "ssl.ca.location": "/b/ca.pem"}
    target = _changed(tmp_path, registry=registry, kafka=kafka)
    with pytest.raises(UsageError, match=r"are both the key ca\.pem of a Secret"):
        deployment.secret_keys(target)


def test_a_secret_in_a_file_is_refused(tmp_path: Path) -> None:
    registry = {"url": "https://registry.example", "bearer": "${file:/run/token}"}
    with pytest.raises(UsageError, match=r"registry\.bearer: .* is on no pod"):
        _texts(_changed(tmp_path, registry=registry))


def test_names_are_the_targets(tmp_path: Path) -> None:
    own = {
        "namespace": "ward",
        "kafka": "events",
        "cluster": "sinks",
        "secret": "keys",
        "replicas": 3,
    }
    texts = _texts(_changed(tmp_path, strimzi=own))
    connect = yaml.safe_load(texts["connect/sinks.yaml"])
    assert connect["spec"]["replicas"] == 3
    assert "strimzi.io/cluster: events" in texts["topics/patients.yaml"]
    assert "${secrets:ward/keys:JDBC_PASSWORD}" in texts["connectors/labs-sink.yaml"]


def test_texts_survive_yaml() -> None:
    for name, text in {"1e5": "1e5", "010": "010", "lines": "a\nb\n", "on": "on"}.items():
        dumped = manifests._yaml({"metadata": {}, "data": {name: text}}, "me")
        assert yaml.safe_load(dumped)["data"] == {name: text}
        assert "lines" not in name or "|" in dumped
    assert '"1e5"' in manifests._yaml({"metadata": {}, "data": {"a": "1e5"}}, "me")


def test_one_format_takes_the_place_of_the_other(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "targets", tmp_path / "targets")
    workspace.copy(tmp_path)
    out = tmp_path / "out"
    write(tmp_path, "compose", Format.FILES, out)
    assert (out / "topics" / "patients.json").is_file()
    written = write(tmp_path, "compose", Format.STRIMZI, out)
    assert sorted(f for f in out.rglob("*.*") if f.name != ".rendered") == sorted(written)
    write(tmp_path, "compose", Format.FILES, out)
    assert not list(out.rglob("*.yaml"))


def test_the_page_makes_each_key_that_the_manifests_need() -> None:
    texts = _texts(_target("example-kubernetes"))
    needed = dict(
        re.findall(
            r"^# Needs the Secret (\S+) .*\n# Its keys: (.*)\.$", "\n".join(texts.values()), re.M
        )
    )
    assert needed.keys() == {"hospital-connect", "hospital-deploy"}
    for secret, keys in needed.items():
        (command,) = re.findall(rf"create secret generic {secret} (?:.*\\\n)*.*", PAGE)
        made = re.findall(r"--from-(?:file|literal)=([\w.]+)", command)
        assert sorted(made) == sorted(keys.split(", "))


def test_the_page_selects_what_the_manifests_are_labelled_with() -> None:
    (label, value) = re.findall(r"--selector (\S+)=(\S+)", PAGE)[0]
    found = _all("example-kubernetes")
    assert {m["metadata"]["labels"][label] for m in found.values()} == {value}
    account = re.findall(r"create serviceaccount (\S+) --namespace (\S+)", PAGE)[0]
    assert f"--serviceaccount={account[1]}:{account[0]}" in PAGE
    spark = _target("example-kubernetes").spark
    assert spark.conf["spark.driver.host"] == f"{account[0]}.{account[1]}.svc"
    assert f"create service clusterip {account[0]}" in PAGE
