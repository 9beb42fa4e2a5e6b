# The Makefile's commands on embedded. Everything runs from .venv and build/.
READY := .venv/.synced
RUN := .venv/bin/python
SETUP := $(RUN) -m stack install
UP := $(RUN) -m stack up --target $(TARGET)
DOWN := $(RUN) -m stack down --target $(TARGET)
STATUS := $(RUN) -m stack status --target $(TARGET)
LOGS := $(RUN) -m stack logs --target $(TARGET) $(if $(F),--follow) $(S)
CLEAN := $(RUN) -m stack clean --target $(TARGET)
KSQL := $(RUN) -m stack ksql --target $(TARGET) $(F)
AIRFLOW := $(RUN) -m stack airflow --target $(TARGET)
AIRFLOW_CLI := $(RUN) -m stack airflow-cli --target $(TARGET) $(A)
DASHBOARD := $(RUN) -m stack dashboard --target $(TARGET)
METRICS := $(RUN) -m stack metrics --target $(TARGET)
MONITOR := $(RUN) -m stack monitor --target $(TARGET) $(T)
REST := true
RENDER_FILES := $(RUN) render.py
