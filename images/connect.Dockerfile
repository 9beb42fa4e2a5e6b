# Confluent's Connect worker with the two plugins of the embedded stack, from the same poms: this project's
# Datagen, and the JDBC sink; and with the agent that tells Prometheus its JMX beans.
FROM maven:3.9.11-eclipse-temurin-17 AS plugins
WORKDIR /build
COPY stack/pom.xml stack/
COPY stack/kafka/pom.xml stack/kafka/
COPY stack/flink/pom.xml stack/flink/
COPY stack/spark/pom.xml stack/spark/
COPY datagen/pom.xml datagen/
COPY datagen/src datagen/src
RUN mvn -B -ntp -f stack/pom.xml -pl :stack,:datagen -Dstack.lib=/build/lib -Dmaven.test.skip=true package

FROM confluentinc/cp-kafka-connect:8.3.2
COPY --from=plugins /build/lib/plugins /usr/share/hospital
COPY --from=plugins /build/lib/agent/agent.jar /usr/share/agent.jar
