# Everything a person does here. `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
TARGET ?= embedded
UV_VERSION := 0.13.9
# uv from the PATH, or our own copy of it in build/.
UV := $(shell command -v uv || echo build/uv/bin/uv)
RUN := .venv/bin/python
RENDER := $(RUN) render.py

.PHONY: help setup up down status logs clean deploy plan validate render destroy graph ksql airflow airflow-cli produce demo \
        lint format test test-unit test-datagen bench golden spec-schema

help:  ## List what there is to do
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build/uv/bin/uv:
	@python3 -m venv build/uv || { echo "error: python3-venv is missing: apt-get install python3-venv" >&2; exit 1; }
	@build/uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# The stamp is newer than the lock once the environment is what the lock says.
.venv/.synced: pyproject.toml uv.lock | $(UV)
	@echo "installing Python packages from uv.lock" >&2
	@$(UV) sync --frozen --quiet
	@touch $@

setup: .venv/.synced  ## Install everything: Python packages, jars, PostgreSQL
	@$(RUN) -m stack install

up: setup  ## Start PostgreSQL, Kafka, registry, Connect, Flink and Spark; wait until healthy
	@$(RUN) -m stack up --target $(TARGET)

down: .venv/.synced  ## Stop the services; data stays
	@$(RUN) -m stack down --target $(TARGET)

status: .venv/.synced  ## Show services, connectors and tasks
	@$(RUN) -m stack status --target $(TARGET)
	@$(RENDER) status --target $(TARGET)

logs: .venv/.synced  ## Show the services' logs; make logs S=connect for one
	@$(RUN) -m stack logs --target $(TARGET) $(S)

clean: .venv/.synced  ## Stop the services and remove their data, logs and secrets
	@$(RUN) -m stack clean --target $(TARGET)

render: .venv/.synced  ## Render every spec to build/rendered (no network)
	@$(RENDER) render --target $(TARGET)

validate: .venv/.synced  ## Check every spec with the worker, registry and database
	@$(RENDER) validate --target $(TARGET)

plan: .venv/.synced  ## Show what deploy would change, key by key
	@$(RENDER) plan --target $(TARGET)

deploy: .venv/.synced  ## Make what is declared run
	@$(RENDER) deploy --target $(TARGET)

destroy: .venv/.synced  ## Remove connectors, schemas, topics and their data (asks first)
	@$(RENDER) destroy --target $(TARGET)

ksql: .venv/.synced  ## Ask questions of the streams and tables; make ksql F=file.sql runs a file
	@$(RUN) -m stack ksql --target $(TARGET) $(F)

airflow: up  ## Start Airflow beside the stack, and print how to log in
	@$(RUN) -m stack airflow --target $(TARGET)

airflow-cli: .venv/.synced  ## Airflow's command line; make airflow-cli A="dags trigger alerts_dag"
	@$(RUN) -m stack airflow-cli --target $(TARGET) $(A)

produce: .venv/.synced  ## Send synthetic records without Connect; make produce T=patient_labs N=100
	@$(RUN) -m scripts.kafka_producer $(T) --count $(or $(N),100) --target $(TARGET)

graph: .venv/.synced  ## Print the pipeline as a Mermaid flow chart
	@$(RENDER) graph --target $(TARGET)

demo: up  ## From nothing to rows in PostgreSQL
	@$(RENDER) deploy --target $(TARGET)
	@$(RUN) -m stack demo --target $(TARGET)

lint: .venv/.synced  ## ruff and mypy
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

format: .venv/.synced  ## Format the code
	@.venv/bin/ruff check --fix --quiet .
	@.venv/bin/ruff format .

test-unit: .venv/.synced  ## The tests that need no service (seconds)
	@.venv/bin/pytest tests/unit

test-datagen: setup  ## The Java tests of the Datagen plugin
	@mvn -B -ntp -q -f stack/pom.xml -pl :datagen -Dstyle.color=never test

test: setup lint test-datagen  ## Everything: lint, Java, unit tests, real services
	@.venv/bin/pytest

bench: setup  ## Measure on real services; writes build/bench.json
	@$(RUN) -m bench

golden: .venv/.synced  ## Rewrite the golden files of the unit tests
	@GOLDEN=write .venv/bin/pytest -q tests/unit

spec-schema: .venv/.synced  ## Rewrite spec.schema.json from the models
	@$(RUN) -m pipeline.specs > spec.schema.json
