# The worker on Kubernetes: Strimzi's image of Kafka with the plugins of images/connect.Dockerfile, and
# Confluent's Avro converter. STRIMZI_KAFKA is the image of Kafka 4.3 that your operator names.
ARG STRIMZI_KAFKA
FROM maven:3.9.11-eclipse-temurin-17 AS plugins
WORKDIR /build
COPY stack/pom.xml stack/
COPY stack/kafka/pom.xml stack/kafka/
COPY stack/flink/pom.xml stack/flink/
COPY stack/spark/pom.xml stack/spark/
COPY datagen/pom.xml datagen/
COPY datagen/src datagen/src
RUN mvn -B -ntp -f stack/pom.xml -pl :stack,:datagen -Dstack.lib=/build/lib -Dmaven.test.skip=true package

FROM confluentinc/cp-kafka-connect:8.3.2 AS converter

FROM ${STRIMZI_KAFKA}
COPY --from=plugins /build/lib/plugins /opt/kafka/plugins
COPY --from=converter /usr/share/java/kafka-serde-tools /opt/kafka/plugins/confluent-avro
