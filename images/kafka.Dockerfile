# Confluent's broker with the agent that tells Prometheus its JMX beans, from the poms of the embedded stack.
FROM maven:3.9.11-eclipse-temurin-17 AS agent
WORKDIR /build
COPY stack/pom.xml stack/
COPY stack/kafka/pom.xml stack/kafka/
COPY stack/flink/pom.xml stack/flink/
COPY stack/spark/pom.xml stack/spark/
COPY datagen/pom.xml datagen/
RUN mvn -B -ntp -f stack/pom.xml -pl :stack -Dstack.lib=/build/lib package

FROM confluentinc/cp-kafka:8.3.2
COPY --from=agent /build/lib/agent/agent.jar /usr/share/agent.jar
