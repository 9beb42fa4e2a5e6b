#!/bin/sh
# PostgreSQL's image runs this once: it creates Airflow's database, and a role that owns only that.
set -eu
psql --username=postgres --set=ON_ERROR_STOP=1 --set=password="$AIRFLOW_DB_PASSWORD" <<'SQL'
CREATE ROLE airflow LOGIN PASSWORD :'password';
CREATE DATABASE airflow OWNER airflow;
SQL
