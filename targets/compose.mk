# The Makefile's commands on compose. Everything runs in containers: the machine needs Docker, and
# python3 to generate the passwords.
READY := engine
COMPOSE := docker compose
ALL := $(COMPOSE) --profile '*'
RUN := $(COMPOSE) run --rm pipeline
SETUP := $(ALL) build
UP := $(COMPOSE) up --detach --wait
DOWN := $(ALL) down
STATUS := $(ALL) ps --all
LOGS := $(ALL) logs --tail 40 $(if $(F),--follow) $(S)
BACKUP = echo "error: make $@: on compose, each service's own tool does it: docs/operations.md" >&2; exit 1
RESTORE = $(BACKUP)
DRILL = echo "error: make drill: it is of the embedded stack" >&2; exit 1
CLEAN := $(ALL) down --volumes --remove-orphans && rm -f .env
KSQL := $(COMPOSE) run --rm $(if $(F),--volume $(abspath $(F)):/questions.sql:ro) ksqldb-cli \
        $(if $(F),--file /questions.sql http://ksqldb-server:8088)
AIRFLOW := $(COMPOSE) --profile airflow up --detach --wait && \
           echo "http://$$($(COMPOSE) --profile airflow port airflow-api 8080)  user admin," \
                "password $$(sed -n s/^AIRFLOW_ADMIN_PASSWORD=//p .env)"
AIRFLOW_CLI := $(COMPOSE) --profile airflow exec airflow-scheduler airflow $(A)
DASHBOARD := $(COMPOSE) --profile dashboard up --detach --wait dashboard && \
             echo "http://$$($(COMPOSE) --profile dashboard port dashboard 8050)"
METRICS := $(COMPOSE) --profile metrics up --detach --wait && \
           $(COMPOSE) --profile metrics restart exporter alertmanager prometheus && \
           $(COMPOSE) --profile metrics up --detach --wait && \
           echo "Prometheus: http://$$($(COMPOSE) --profile metrics port prometheus 9090)" && \
           echo "Grafana: http://$$($(COMPOSE) --profile metrics port grafana 3000)  user admin," \
                "password $$(sed -n s/^GRAFANA_PASSWORD=//p .env)"
MONITOR := $(COMPOSE) --profile kafdrop up --detach --wait kafdrop && \
           echo "Kafdrop: http://$$($(COMPOSE) --profile kafdrop port kafdrop 9000)"
REST := $(COMPOSE) --profile rest up --detach --wait rest-proxy
OUTPUT := --output /output/rendered
RENDER_FILES := mkdir -p build && $(COMPOSE) run --rm --user "$$(id -u):$$(id -g)" \
                --volume $(CURDIR)/build:/output pipeline render.py
