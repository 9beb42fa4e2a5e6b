# Confluent's ksqlDB server with a bound for the memory of its stores: ksqldb/.
FROM maven:3.9.11-eclipse-temurin-17 AS bound
WORKDIR /build
COPY stack/pom.xml stack/
COPY ksqldb/pom.xml ksqldb/
COPY ksqldb/src ksqldb/src
RUN mvn -B -ntp -f ksqldb/pom.xml -Dstack.lib=/build/lib package

FROM confluentinc/cp-ksqldb-server:8.3.2
COPY --from=bound /build/lib/ksqldb /usr/share/java/ksqldb-server
