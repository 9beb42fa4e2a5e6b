"""What a target says of Kubernetes."""

from typing import Annotated

from pydantic import Field, StringConstraints

from pipeline.repository import yamlfile

# What every name on Kubernetes may be, with room for what Strimzi adds to it.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length=40)]


class Strimzi(yamlfile.Model):
    """Names on Kubernetes, where Strimzi's operators have the topics and the connectors."""

    namespace: Name = Field("hospital", description="Namespace of all that is rendered.")
    kafka: Name = Field("hospital", description="The Kafka resource, whose operator has topics.")
    cluster: Name = Field("hospital", description="The KafkaConnect resource.")
    replicas: int = Field(1, ge=1, description="Pods of Kafka Connect.")
    secret: Name = Field("hospital-connect", description="The Secret that connectors refer to.")
    deployment: Name = Field("hospital-deploy", description="The Secret of the Job that deploys.")
    connect_image: str = Field(
        "hospital-connect-strimzi:local", description="Image of images/connect-strimzi.Dockerfile."
    )
    image: str = Field("hospital-deploy:local", description="Image of images/deploy.Dockerfile.")
