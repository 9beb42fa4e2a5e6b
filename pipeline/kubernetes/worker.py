"""The configuration of Kafka Connect's workers: that of compose.yaml, in Strimzi's words."""

from collections.abc import Mapping

from pipeline.kubernetes.secret import CLASS, PROVIDER, Secret, file_key
from pipeline.repository.connections import Http

# As on the other targets, so that the workers of one can take over from those of another.
GROUP = "connect"
STORAGE = {
    "configStorageTopic": "connect_configs",
    "statusStorageTopic": "connect_status",
    "offsetStorageTopic": "connect_offsets",
}
CONVERTER = "value.converter"
WORKER = {
    "client.id": "connect",
    "offset.storage.partitions": "4",
    "status.storage.partitions": "2",
    "scheduled.rebalance.max.delay.ms": "0",
    "session.timeout.ms": "6000",
    "heartbeat.interval.ms": "1000",
    "offset.flush.interval.ms": "5000",
    "task.shutdown.graceful.timeout.ms": "10000",
    "connector.client.config.override.policy": "All",
    "key.converter": "org.apache.kafka.connect.storage.StringConverter",
    CONVERTER: "io.confluent.connect.avro.AvroConverter",
    f"{CONVERTER}.auto.register.schemas": "false",
    f"{CONVERTER}.use.latest.version": "true",
    "producer.linger.ms": "5",
    "producer.batch.size": "262144",
    "producer.compression.type": "lz4",
    "consumer.session.timeout.ms": "10000",
    "consumer.heartbeat.interval.ms": "1000",
    "consumer.max.partition.fetch.bytes": "8388608",
}


def config(registry: Http, secret: Secret, replication: int) -> dict[str, str]:
    """The properties of a worker, but for what KafkaConnect has fields of its own for.

    `replication` is that of the topics that Connect keeps itself in.

    Raises:
        UsageError: a secret of the registry is no variable.
    """
    storage = {f"{name}.storage.replication.factor": str(replication) for name in _topics()}
    return {
        **storage,
        **WORKER,
        **{f"{CONVERTER}.{key}": value for key, value in _registry(registry, secret).items()},
        "config.providers": PROVIDER,
        f"config.providers.{PROVIDER}.class": CLASS,
    }


def _topics() -> list[str]:
    return [field.removesuffix("StorageTopic") for field in STORAGE]


def _registry(registry: Http, secret: Secret) -> Mapping[str, str]:
    """The registry, by the properties of Confluent's client."""
    made = {"schema.registry.url": registry.url}
    if registry.user_info:
        made["basic.auth.credentials.source"] = "USER_INFO"
        made["basic.auth.user.info"] = secret.of_text("registry", registry.user_info)
    if registry.bearer:
        made["bearer.auth.credentials.source"] = "STATIC_TOKEN"
        made["bearer.auth.token"] = secret.of_text("registry", registry.bearer)
    ssl = "schema.registry.ssl"
    if registry.ca:
        made[f"{ssl}.truststore.type"] = "PEM"
        made[f"{ssl}.truststore.certificates"] = secret.at(file_key(registry.ca))
    if registry.certificate:
        made[f"{ssl}.keystore.type"] = "PEM"
        made[f"{ssl}.keystore.certificate.chain"] = secret.at(file_key(registry.certificate))
        made[f"{ssl}.keystore.key"] = secret.at(file_key(registry.key or registry.certificate))
    return made
