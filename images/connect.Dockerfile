# Confluent's Connect worker with two plugins: Confluent's Datagen, and the same JDBC sink as in the
# embedded stack, from stack/pom.xml.
FROM maven:3.9.11-eclipse-temurin-17 AS plugins
WORKDIR /build
COPY stack/pom.xml stack/
RUN mvn -B -ntp -N -f stack/pom.xml -Dstack.lib=/build/lib package

FROM confluentinc/cp-kafka-connect:8.3.2
RUN confluent-hub install --no-prompt confluentinc/kafka-connect-datagen:0.6.7
COPY --from=plugins /build/lib/plugins/debezium-connector-jdbc /usr/share/confluent-hub-components/debezium-connector-jdbc
