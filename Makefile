# The commands of this repository. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
# Where the pipeline runs: the name of a file in targets/, or a path to one. make up TARGET=compose
TARGET ?= embedded
TARGETS := $(sort $(basename $(notdir $(wildcard targets/*.yaml))))
TARGET_FILE := $(wildcard $(if $(filter %.yaml,$(TARGET)),$(TARGET),targets/$(TARGET).yaml))
ifeq ($(TARGET_FILE),)
  ifneq ($(or $(MAKECMDGOALS),help),help)
    $(error unknown target $(TARGET): TARGET is one of $(TARGETS))
  endif
endif
# `make up` starts the services of a target with `embedded:`.
include $(or $(wildcard targets/$(TARGET).mk),\
  $(if $(shell grep -s '^embedded:' $(TARGET_FILE) /dev/null),targets/embedded.mk,targets/elsewhere.mk))

PYTHON := .venv/bin/python
RENDER := $(RUN) render.py
LOCKS := $(addprefix requirements/,pipeline.txt embedded.txt dev.txt)
TOOLS := build/uv/bin
# uv does not read pip's settings, so it gets the index that pip is configured to use.
UV = index=$${UV_DEFAULT_INDEX:-$$($(TOOLS)/pip config list | sed -n "s/^.*\.index-url='\(.*\)'$$/\1/p" | head -1)}; \
     env $${index:+UV_DEFAULT_INDEX=$$index} $(TOOLS)/uv
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
          --custom-compile-command 'make lock' $(addprefix --upgrade-package ,$(P))

.PHONY: help engine install setup up down status logs backup restore drill clean deploy plan validate render destroy graph cases ksql airflow airflow-cli produce produce-http \
        monitor metrics dashboard powerbi demo \
        browser proxy prometheus lint format test test-unit test-spark test-datagen test-compose test-cluster bench golden spec-schema lock

help:  ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(TOOLS)/uv: requirements/install.txt
	@python3 -m venv build/uv || { echo "error: python3-venv is missing: apt-get install python3-venv" >&2; exit 1; }
	@$(TOOLS)/pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	@touch $@

# The stamp is newer than the locks once the environment matches them.
.venv/.synced: $(LOCKS) | $(TOOLS)/uv
	@echo "installing the Python packages of requirements/" >&2
	@$(UV) venv --quiet --allow-existing .venv
	@$(UV) pip sync --quiet --python $(PYTHON) --require-hashes $(LOCKS) \
	  --build-constraints requirements/install.txt --require-build-hashes
	@touch $@

# Checks Docker, and generates the passwords.
engine:
	@docker compose version >/dev/null 2>&1 || { echo "error: TARGET=compose needs Docker and its compose plugin;" \
	  "without TARGET, everything runs without Docker" >&2; exit 1; }
	@python3 -m scripts.passwords .env

install: .venv/.synced
	@$(PYTHON) -m stack install

setup: $(READY)  ## Install everything: Python packages, jars, PostgreSQL; or build the images
	@$(SETUP)

up: setup  ## Start PostgreSQL, Kafka, registry, Connect, Flink and Spark; wait until healthy
	@$(UP)

down: $(READY)  ## Stop the services; data stays
	@$(DOWN)

status: $(READY)  ## Show what is wrong and what to do, services, connectors and tasks
	@failed=0; $(STATUS) || failed=1; $(RENDER) status --target $(TARGET) || failed=1; exit $$failed

logs: $(READY)  ## Show the services' logs; make logs S=connect F=1 follows that of one
	@$(LOGS)

backup: $(READY)  ## Copy what the running services store to var/backups; make backup TO=folder
	@$(BACKUP)

restore: $(READY)  ## Put a backup in place of lost data: make restore FROM=folder, then make up
	@$(if $(FROM),$(RESTORE),echo "error: FROM is missing: make restore FROM=var/backups/…" >&2; exit 2)

drill: $(READY)  ## On the running demo: the faults that an operator fears, and what each one costs
	@$(DRILL)

clean: $(READY)  ## Stop the services and remove their data, logs and secrets
	@$(CLEAN)

render: $(READY)  ## Render every spec to build/rendered (no network)
	@$(RENDER_FILES) render --target $(TARGET) $(OUTPUT)

validate: $(READY)  ## Check every spec with the worker, registry and database
	@$(RENDER) validate --target $(TARGET)

plan: $(READY)  ## Show what deploy would change, key by key
	@$(RENDER) plan --target $(TARGET)

deploy: $(READY)  ## Apply the declared state: connectors, schemas, topics, tables, statements
	@$(RENDER) deploy --target $(TARGET)

destroy: $(READY)  ## Remove connectors, schemas, topics and their data (asks first)
	@$(RENDER) destroy --target $(TARGET)

cases: $(READY)  ## Run the cases of ksql/cases and spark/cases: records in, rows out; C=file for one
	@$(RENDER) test --target $(TARGET) $(C)

ksql: $(READY)  ## Query the streams and tables in a SQL client; make ksql F=file.sql runs a file
	@$(KSQL)

airflow: up  ## Start Airflow, and print how to log in
	@$(AIRFLOW)

airflow-cli: $(READY)  ## Airflow's command line; make airflow-cli A="dags trigger alerts_dag"
	@$(AIRFLOW_CLI)

produce: $(READY)  ## Send synthetic records without Connect; make produce T=patient_labs N=100
	@$(RUN) -m scripts.kafka_producer $(T) --count $(or $(N),100) --target $(TARGET)

produce-http: $(READY)  ## Send one record through the REST Proxy, and read it back; make produce-http T=patient_labs
	@$(REST)
	@$(RUN) -m scripts.rest_proxy $(or $(T),patient_admissions) --target $(TARGET)

dashboard: up  ## Serve the web dashboard, and print its address
	@$(DASHBOARD)

powerbi: .venv/.synced  ## Write powerbi/'s measures from metrics.yaml, and make powerbi_dashboard.pbit
	@$(PYTHON) -m powerbi

metrics: up  ## Start Prometheus, Alertmanager and the exporters; print their addresses
	@$(METRICS)

monitor: up  ## Browse topics, records and consumer groups
	@$(MONITOR)

graph: $(READY)  ## Print the pipeline as a Mermaid flow chart
	@$(RENDER) graph --target $(TARGET)

demo: up  ## Start the stack, deploy, and show the rows that arrive in PostgreSQL
	@$(RENDER) deploy --target $(TARGET)
	@$(RUN) -m scripts.demo --target $(TARGET)

lint: .venv/.synced  ## Run ruff and mypy
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

format: .venv/.synced  ## Format the code
	@.venv/bin/ruff check --fix --quiet .
	@.venv/bin/ruff format .

test-unit: .venv/.synced  ## Run the tests that need only Python packages (seconds)
	@.venv/bin/pytest tests/unit tests/dashboard tests/powerbi tests/dags

test-spark: install  ## Run the tests of the cleansing in Spark, without services (a minute)
	@.venv/bin/pytest tests/spark

test-datagen: install  ## Run the Java tests of the Datagen plugin
	@mvn -B -ntp -q -f stack/pom.xml -pl :datagen -Dstyle.color=never test

test-compose: .venv/.synced  ## Run only the end-to-end tests on compose.yaml; needs Docker
	@.venv/bin/pytest tests/compose tests/endtoend -k compose

browser:  ## Install Chromium for the tests of the dashboard; needs root
	@command -v chromium >/dev/null || { echo "installing Chromium" >&2; \
	  { apt-get update && apt-get install --yes --no-install-recommends chromium; } >build/chromium.log 2>&1; } || \
	  echo "no Chromium, so the tests of the dashboard are skipped: apt-get install chromium" >&2

proxy:  ## Install nginx for the cluster target; needs root
	@command -v nginx /usr/sbin/nginx >/dev/null || { echo "installing nginx" >&2; \
	  { apt-get update && apt-get install --yes --no-install-recommends nginx-light; } >build/nginx.log 2>&1; } || \
	  echo "no nginx, so the tests on the cluster are skipped: apt-get install nginx-light" >&2

prometheus:  ## Install Prometheus and Alertmanager for make metrics; needs root
	@for program in prometheus prometheus-alertmanager prometheus-postgres-exporter; do \
	  command -v $$program >/dev/null || missing="$$missing $$program"; done; [ "$$missing" ] || exit 0; \
	  mkdir -p build; echo "installing Prometheus" >&2; \
	  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
	  $$missing && { [ ! -d /run/systemd/system ] || systemctl disable --now $$missing; }; } >build/prometheus.log 2>&1 || \
	  echo "no Prometheus, so its tests are skipped: build/prometheus.log says why" >&2

test-cluster: install proxy  ## Run the end-to-end tests on the cluster target too (half an hour)
	@.venv/bin/pytest -m cluster

test: install browser proxy prometheus  ## Run everything: lint, Java tests, unit tests, tests on real services
	@$(MAKE) --no-print-directory --jobs 2 lint test-datagen
	@.venv/bin/pytest --numprocesses 2 --no-loadscope-reorder -m "not cluster"

bench: install  ## Run the benchmarks; make bench TARGET=cluster: the cluster beside one node
	@$(PYTHON) -m $(if $(filter cluster,$(TARGET)),bench.cluster,bench)

golden: .venv/.synced  ## Rewrite the golden files of the unit tests
	@GOLDEN=write .venv/bin/pytest -q tests/unit

spec-schema: .venv/.synced  ## Rewrite the JSON Schemas in editor/ from templates and models
	@$(PYTHON) -m pipeline.repository.jsonschemas

# Each list is constrained by the lists before it, so that together they are one environment.
lock: $(TOOLS)/uv  ## Pin the dependencies of pyproject.toml in requirements/; make lock P=rich upgrades one package
	@$(COMPILE) --output-file requirements/pipeline.txt pyproject.toml
	@$(COMPILE) --output-file requirements/embedded.txt --group embedded --constraints requirements/pipeline.txt
	@$(COMPILE) --output-file requirements/dev.txt --group dev --constraints requirements/pipeline.txt \
	  --constraints requirements/embedded.txt
	@$(COMPILE) --output-file requirements/install.txt --group install $(LOCKS:%=--constraints %)
