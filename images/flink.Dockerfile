# Flink on Kubernetes, cluster and SQL gateway: Flink's image with what reads and writes the topics.
FROM maven:3.9.11-eclipse-temurin-17 AS jars
WORKDIR /build
COPY stack/pom.xml stack/
COPY stack/kafka/pom.xml stack/kafka/
COPY stack/flink/pom.xml stack/flink/
COPY stack/flink/src stack/flink/src
COPY stack/spark/pom.xml stack/spark/
COPY datagen/pom.xml datagen/
RUN mvn -B -ntp -f stack/pom.xml -pl :flink -Dstack.lib=/build/lib -Dmaven.test.skip=true package

FROM flink:2.3.0-java17
# Flink's image has the gateway's jar itself.
COPY --from=jars /build/lib/flink/flink-sql-avro-confluent-registry-*.jar /opt/flink/lib/
COPY --from=jars /build/lib/flink/flink-sql-connector-kafka-*.jar /opt/flink/lib/
COPY --from=jars /build/lib/flink/flink-1.0.0.jar /opt/flink/lib/
