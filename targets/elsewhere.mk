# The Makefile's commands on a target whose services are started and stopped elsewhere. The commands of
# render.py run on this machine, as on embedded.
READY := .venv/.synced
RUN := .venv/bin/python
ELSEWHERE := the services of target $(TARGET) run elsewhere
REFUSE = { echo "error: make $@: $(ELSEWHERE)" >&2; exit 1; }
SETUP := $(RUN) -m stack install
UP := echo "nothing to start: $(ELSEWHERE)" >&2
DOWN := echo "nothing to stop: $(ELSEWHERE)" >&2
STATUS := true
LOGS = $(REFUSE)
BACKUP = $(REFUSE)
RESTORE = $(REFUSE)
DRILL = $(REFUSE)
CLEAN = $(REFUSE)
KSQL = $(REFUSE)
AIRFLOW = $(REFUSE)
AIRFLOW_CLI = $(REFUSE)
DASHBOARD := $(RUN) -m dashboard --target $(TARGET)
METRICS = $(REFUSE)
MONITOR = $(REFUSE)
REST := true
RENDER_FILES := $(RUN) render.py
