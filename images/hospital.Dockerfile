# The image for render.py, the cleansing and Airflow: the packages of requirements/pipeline.txt and the
# jars of stack/pom.xml. compose.yaml mounts the repository into it.
FROM maven:3.9.11-eclipse-temurin-17 AS jars
WORKDIR /build
COPY stack/pom.xml stack/
COPY stack/kafka/pom.xml stack/kafka/
COPY stack/flink/pom.xml stack/flink/
COPY stack/spark/pom.xml stack/spark/
COPY stack/spark/src stack/spark/src
COPY datagen/pom.xml datagen/
RUN mvn -B -ntp -f stack/pom.xml -pl :spark -Dstack.lib=/build/lib package

FROM python:3.11.14-slim-bookworm
# Versions are not pinned: Debian's mirrors keep only the newest one.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends openjdk-17-jre-headless procps \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 1000 hospital \
    && mkdir -p /opt/hospital/build/stack /var/lib/hospital/run /var/lib/hospital/data \
    && chown -R hospital /var/lib/hospital
WORKDIR /opt/hospital
COPY requirements/install.txt requirements/pipeline.txt requirements/
RUN pip install --no-cache-dir --require-hashes --requirement requirements/install.txt \
    && uv venv /opt/venv \
    && uv pip sync --no-cache --python /opt/venv/bin/python --require-hashes requirements/pipeline.txt \
       --build-constraints requirements/install.txt --require-build-hashes
COPY --from=jars /build/lib/spark build/stack/spark
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/hospital:/opt/hospital/airflow \
    PYTHONDONTWRITEBYTECODE=1 \
    COLUMNS=120
USER 1000
