-- Made by `make render` from connectors/, schemas/, ksql/ and postgres/db_setup.sql.
\set ON_ERROR_STOP on
BEGIN;
CREATE TABLE IF NOT EXISTS "abnormal_labs_hourly" (
  "test_code" text NOT NULL,
  "test_name" text NOT NULL,
  "window_start" timestamp with time zone NOT NULL,
  "window_end" timestamp with time zone,
  "abnormal" bigint,
  "low" integer,
  "high" integer,
  PRIMARY KEY ("test_code", "test_name", "window_start")
);
COMMENT ON TABLE "abnormal_labs_hourly" IS 'One row per laboratory test and hour: the number of abnormal results, low ones and high ones. The largest deviation is in the view largest_deviations_hourly.';
CREATE TABLE IF NOT EXISTS "admissions_by_age_daily" (
  "age_band" text NOT NULL,
  "gender" text NOT NULL,
  "window_start" timestamp with time zone NOT NULL,
  "window_end" timestamp with time zone,
  "admissions" bigint,
  PRIMARY KEY ("age_band", "gender", "window_start")
);
COMMENT ON TABLE "admissions_by_age_daily" IS 'One row per age band, gender and day: the number of admissions. They count as ''Unknown'' until the patient is registered, then they move to the patient''s group.';
CREATE TABLE IF NOT EXISTS "admissions_hourly" (
  "department" text NOT NULL,
  "admission_type" text NOT NULL,
  "window_start" timestamp with time zone NOT NULL,
  "window_end" timestamp with time zone,
  "admissions" bigint,
  PRIMARY KEY ("department", "admission_type", "window_start")
);
COMMENT ON TABLE "admissions_hourly" IS 'One row per department, admission type and hour: the number of admissions.';
CREATE TABLE IF NOT EXISTS "admissions" (
  "admission_id" text NOT NULL,
  "patient_id" text NOT NULL,
  "department" text,
  "admission_type" text,
  "admission_date" timestamp with time zone NOT NULL,
  "length_of_stay_hours" integer NOT NULL,
  "discharge_disposition" text,
  PRIMARY KEY ("admission_id")
);
COMMENT ON TABLE "admissions" IS 'A patient''s inpatient encounter, cleansed: spark/rules.yaml. Synthetic.';
COMMENT ON COLUMN "admissions"."admission_id" IS 'Identifier of the encounter. The record''s key.';
COMMENT ON COLUMN "admissions"."patient_id" IS 'The patient.';
COMMENT ON COLUMN "admissions"."department" IS 'Admitting department.';
COMMENT ON COLUMN "admissions"."admission_type" IS 'Type of admission: Emergency, Urgent, Elective or Newborn.';
COMMENT ON COLUMN "admissions"."admission_date" IS 'Time of admission, on the simulated clock.';
COMMENT ON COLUMN "admissions"."length_of_stay_hours" IS 'Hours from admission to discharge, 0 or more.';
COMMENT ON COLUMN "admissions"."discharge_disposition" IS 'Where the patient went after the discharge.';
CREATE TABLE IF NOT EXISTS "diagnoses_daily" (
  "diagnosis_code" text NOT NULL,
  "diagnosis_description" text NOT NULL,
  "window_start" timestamp with time zone NOT NULL,
  "window_end" timestamp with time zone,
  "diagnoses" bigint,
  PRIMARY KEY ("diagnosis_code", "diagnosis_description", "window_start")
);
COMMENT ON TABLE "diagnoses_daily" IS 'One row per diagnosis and day: the number of primary diagnoses. The view top_diagnoses ranks them.';
CREATE TABLE IF NOT EXISTS "diagnoses" (
  "diagnosis_id" text NOT NULL,
  "admission_id" text NOT NULL,
  "diagnosis_code" text NOT NULL,
  "diagnosis_description" text NOT NULL,
  "diagnosis_rank" text NOT NULL,
  "diagnosed_at" timestamp with time zone NOT NULL,
  PRIMARY KEY ("diagnosis_id")
);
COMMENT ON TABLE "diagnoses" IS 'A diagnosis made in an encounter, cleansed: spark/rules.yaml. Synthetic.';
COMMENT ON COLUMN "diagnoses"."diagnosis_id" IS 'Identifier of the diagnosis. The record''s key.';
COMMENT ON COLUMN "diagnoses"."admission_id" IS 'The encounter.';
COMMENT ON COLUMN "diagnoses"."diagnosis_code" IS 'ICD-10-CM code, with the point.';
COMMENT ON COLUMN "diagnoses"."diagnosis_description" IS 'The code''s name in ICD-10-CM.';
COMMENT ON COLUMN "diagnoses"."diagnosis_rank" IS 'Primary, the condition chiefly responsible for the admission, or Secondary.';
COMMENT ON COLUMN "diagnoses"."diagnosed_at" IS 'Time of the diagnosis, on the simulated clock.';
CREATE TABLE IF NOT EXISTS "discharges_hourly" (
  "department" text NOT NULL,
  "window_start" timestamp with time zone NOT NULL,
  "window_end" timestamp with time zone,
  "discharges" bigint,
  PRIMARY KEY ("department", "window_start")
);
COMMENT ON TABLE "discharges_hourly" IS 'One row per department and hour: the number of discharges.';
CREATE TABLE IF NOT EXISTS "lab_results" (
  "lab_id" text NOT NULL,
  "admission_id" text NOT NULL,
  "test_code" text NOT NULL,
  "test_name" text NOT NULL,
  "test_unit" text NOT NULL,
  "test_value" double precision NOT NULL,
  "test_reference_low" double precision NOT NULL,
  "test_reference_high" double precision NOT NULL,
  "collected_at" timestamp with time zone NOT NULL,
  PRIMARY KEY ("lab_id")
);
COMMENT ON TABLE "lab_results" IS 'A result of a laboratory test, cleansed: spark/rules.yaml. Synthetic.';
COMMENT ON COLUMN "lab_results"."lab_id" IS 'Identifier of the result. The record''s key.';
COMMENT ON COLUMN "lab_results"."admission_id" IS 'The encounter.';
COMMENT ON COLUMN "lab_results"."test_code" IS 'LOINC code.';
COMMENT ON COLUMN "lab_results"."test_name" IS 'The code''s long common name in LOINC.';
COMMENT ON COLUMN "lab_results"."test_unit" IS 'Unit of the value and of the reference range, in UCUM.';
COMMENT ON COLUMN "lab_results"."test_value" IS 'The result.';
COMMENT ON COLUMN "lab_results"."test_reference_low" IS 'Lowest value of the reference range for adults.';
COMMENT ON COLUMN "lab_results"."test_reference_high" IS 'Highest value of the reference range for adults.';
COMMENT ON COLUMN "lab_results"."collected_at" IS 'Time the specimen was taken, on the simulated clock.';
CREATE TABLE IF NOT EXISTS "length_of_stay_daily" (
  "department" text NOT NULL,
  "window_start" timestamp with time zone NOT NULL,
  "window_end" timestamp with time zone,
  "admissions" bigint,
  "average_hours" double precision,
  PRIMARY KEY ("department", "window_start")
);
COMMENT ON TABLE "length_of_stay_daily" IS 'One row per department and day of admission: the number of admissions and their average stay in hours. The shortest and the longest stay are in the view stay_extremes_daily.';
CREATE TABLE IF NOT EXISTS "patients" (
  "patient_id" text NOT NULL,
  "first_name" text,
  "last_name" text,
  "gender" text,
  "race" text,
  "birth_date" date NOT NULL,
  "insurance" text,
  "medical_history" text,
  PRIMARY KEY ("patient_id")
);
COMMENT ON TABLE "patients" IS 'A patient''s demographics, cleansed: spark/rules.yaml. Synthetic.';
COMMENT ON COLUMN "patients"."patient_id" IS 'Identifier of the patient. The record''s key.';
COMMENT ON COLUMN "patients"."first_name" IS 'Given name.';
COMMENT ON COLUMN "patients"."last_name" IS 'Family name.';
COMMENT ON COLUMN "patients"."gender" IS 'Administrative gender: F, M or X.';
COMMENT ON COLUMN "patients"."race" IS 'Race, in the categories of the US Office of Management and Budget, or Other.';
COMMENT ON COLUMN "patients"."birth_date" IS 'Date of birth.';
COMMENT ON COLUMN "patients"."insurance" IS 'The patient''s insurance.';
COMMENT ON COLUMN "patients"."medical_history" IS 'Known conditions, separated by a semicolon and a space; the text None if there are none.';
CREATE TABLE IF NOT EXISTS "rejected_records" (
  "reject_id" text NOT NULL,
  "source_topic" text NOT NULL,
  "source_partition" integer NOT NULL,
  "source_offset" bigint NOT NULL,
  "source_timestamp" timestamp with time zone NOT NULL,
  "rules" text NOT NULL,
  "record_key" bytea,
  "record_value" bytea,
  PRIMARY KEY ("reject_id")
);
COMMENT ON TABLE "rejected_records" IS 'A raw record that the cleansing rejected, unchanged. Synthetic.';
COMMENT ON COLUMN "rejected_records"."reject_id" IS '<topic>-<partition>-<offset> of the raw record. The record''s key.';
COMMENT ON COLUMN "rejected_records"."source_topic" IS 'Topic of the raw record.';
COMMENT ON COLUMN "rejected_records"."source_partition" IS 'Its partition.';
COMMENT ON COLUMN "rejected_records"."source_offset" IS 'Its offset.';
COMMENT ON COLUMN "rejected_records"."source_timestamp" IS 'Its timestamp in Kafka.';
COMMENT ON COLUMN "rejected_records"."rules" IS 'Names of the rules of spark/rules.yaml that it broke, separated by commas.';
COMMENT ON COLUMN "rejected_records"."record_key" IS 'Its key.';
COMMENT ON COLUMN "rejected_records"."record_value" IS 'Its value; null if it has none.';

-- The roles, indexes, generated columns and views of healthcare_pipeline_db, and the tables that no
-- sink writes. All data is synthetic.
-- Before this file, `make deploy` creates the sinks' tables from the schemas of their topics. After
-- this file, it grants the roles below their privileges on those tables.
-- The administrator runs it in one transaction whenever its text, or what it made, has changed: every
-- statement must be re-runnable.
-- `make render` writes everything as one script for psql: build/rendered/postgres/setup.sql.

-- Roles ------------------------------------------------------------------------------------------
-- A role without a password cannot log in; `make deploy` sets the generated passwords.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'connect_writer') THEN
    CREATE ROLE connect_writer LOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bi_reader') THEN
    CREATE ROLE bi_reader LOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'orchestrator') THEN
    CREATE ROLE orchestrator LOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cleanser') THEN
    CREATE ROLE cleanser LOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'exporter') THEN
    CREATE ROLE exporter LOGIN IN ROLE pg_monitor;
  END IF;
END
$$;
COMMENT ON ROLE connect_writer IS 'Kafka Connect: reads and upserts the pipeline''s tables';
COMMENT ON ROLE bi_reader IS 'Power BI and dashboards: reads';
COMMENT ON ROLE orchestrator IS 'Airflow: reads, and writes its alerts and its notes on runs';
COMMENT ON ROLE exporter IS 'Prometheus: reads statistics, and no row of a table';
COMMENT ON ROLE cleanser IS 'The cleansing: holds a lock, so that it runs once, and reads nothing';

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO connect_writer, bi_reader, orchestrator;

-- Tables of the sinks ----------------------------------------------------------------------------
-- Indexes are BRIN where rows arrive in the column's order. A BRIN index costs almost nothing per row;
-- a B-tree takes a third of a sink's time.
-- There are no foreign keys: topics are independent, so a child row can arrive before its parent.
ALTER TABLE admissions ADD COLUMN IF NOT EXISTS discharge_date timestamptz GENERATED ALWAYS AS (
  (admission_date AT TIME ZONE 'UTC' + length_of_stay_hours * interval '1 hour') AT TIME ZONE 'UTC'
) STORED;
COMMENT ON COLUMN admissions.discharge_date IS 'admission_date + length_of_stay_hours';
CREATE INDEX IF NOT EXISTS admissions_patient_id ON admissions (patient_id);
CREATE INDEX IF NOT EXISTS admissions_admission_date ON admissions
  USING brin (admission_date) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX IF NOT EXISTS diagnoses_admission_id ON diagnoses
  USING brin (admission_id) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX IF NOT EXISTS lab_results_admission_id ON lab_results
  USING brin (admission_id) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX IF NOT EXISTS rejected_records_source_timestamp ON rejected_records
  USING brin (source_timestamp) WITH (pages_per_range = 32, autosummarize = on);
-- As the views of the schema bi show these times: without a zone.
CREATE INDEX IF NOT EXISTS admissions_admitted_at ON admissions
  USING brin ((admission_date AT TIME ZONE 'UTC'), (discharge_date AT TIME ZONE 'UTC'))
  WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX IF NOT EXISTS diagnoses_diagnosed_at ON diagnoses
  USING brin ((diagnosed_at AT TIME ZONE 'UTC')) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX IF NOT EXISTS lab_results_collected_at ON lab_results
  USING brin ((collected_at AT TIME ZONE 'UTC')) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX IF NOT EXISTS rejected_records_rejected_at ON rejected_records
  USING brin ((source_timestamp AT TIME ZONE 'UTC'))
  WITH (pages_per_range = 32, autosummarize = on);

-- Orchestration ----------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS cleansing_runs (
  run_id      text PRIMARY KEY,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  clean       bigint NOT NULL,
  rejected    bigint NOT NULL
);
ALTER TABLE cleansing_runs DROP COLUMN IF EXISTS duplicates;
COMMENT ON TABLE cleansing_runs IS
  'One row per run of spark_processing_dag: records by result; cumulative for a continuous job';
CREATE TABLE IF NOT EXISTS alerts (
  alert_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key          text NOT NULL,
  message      text NOT NULL,
  opened_at    timestamptz NOT NULL DEFAULT now(),
  seen_at      timestamptz NOT NULL DEFAULT now(),
  closed_at    timestamptz,
  opening_told boolean NOT NULL DEFAULT false,
  closing_told boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX IF NOT EXISTS alerts_lasting ON alerts (key) WHERE closed_at IS NULL;
COMMENT ON TABLE alerts IS 'One row per alert, open or closed; Airflow sends its notices';
COMMENT ON COLUMN alerts.key IS 'Kind and subject; at most one alert per key is open';

-- Erasures ---------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS erasures (
  erasure_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  patient    text NOT NULL,
  begun_at   timestamptz NOT NULL DEFAULT now(),
  ended_at   timestamptz,
  records    bigint
);
COMMENT ON TABLE erasures IS 'One row per person that render.py erase has erased; nobody reads it but the administrator';
COMMENT ON COLUMN erasures.patient IS 'HMAC-SHA256 of the patient''s id, under the secret ERASURE_KEY';

-- Views for BI -----------------------------------------------------------------------------------
-- They compute from the landed rows what a count in ksql/ cannot keep correct when a row changes.
CREATE OR REPLACE VIEW department_census AS
  SELECT department, at,
         sum(change) OVER (PARTITION BY department ORDER BY at)::bigint AS census
  FROM (
    SELECT department, at, sum(change) AS change
    FROM (
      SELECT department, window_end AS at, admissions AS change FROM admissions_hourly
      UNION ALL
      SELECT department, window_end, -discharges FROM discharges_hourly
    ) changes
    GROUP BY department, at
  ) hours;
COMMENT ON VIEW department_census IS
  'Patients in a department at the end of an hour: admitted minus discharged, since the beginning';
CREATE OR REPLACE VIEW top_diagnoses AS
  SELECT window_start AS day, rank() OVER (PARTITION BY window_start ORDER BY diagnoses DESC) AS rank,
         diagnosis_code, diagnosis_description, diagnoses
  FROM diagnoses_daily
  WHERE diagnoses > 0;
COMMENT ON VIEW top_diagnoses IS 'Primary diagnoses of a day, the most frequent first';
CREATE OR REPLACE VIEW stay_extremes_daily AS
  SELECT coalesce(department, 'Unknown') AS department,
         date_bin('1 day', admission_date, '1970-01-01+00') AS window_start,
         min(length_of_stay_hours) AS shortest_hours, max(length_of_stay_hours) AS longest_hours
  FROM admissions
  GROUP BY 1, 2;
COMMENT ON VIEW stay_extremes_daily IS
  'Shortest and longest stay by department, for those admitted on a day';
CREATE OR REPLACE VIEW abnormal_results AS
  SELECT l.lab_id, l.admission_id, a.patient_id, l.test_code, l.test_name, l.test_unit, l.test_value,
         CASE WHEN l.test_value < l.test_reference_low THEN 'low' ELSE 'high' END AS direction,
         greatest(l.test_reference_low - l.test_value, l.test_value - l.test_reference_high)
           AS deviation,
         l.collected_at
  FROM lab_results l
  JOIN admissions a USING (admission_id)
  WHERE l.test_value < l.test_reference_low OR l.test_value > l.test_reference_high;
COMMENT ON VIEW abnormal_results IS 'Results outside their reference range, with their patient';
COMMENT ON COLUMN abnormal_results.deviation IS 'How far outside the reference range, in the test''s unit';
CREATE OR REPLACE VIEW largest_deviations_hourly AS
  SELECT test_code, date_bin('1 hour', collected_at, '1970-01-01+00') AS window_start,
         max(deviation) AS largest_deviation
  FROM abnormal_results
  GROUP BY 1, 2;
COMMENT ON VIEW largest_deviations_hourly IS
  'The largest deviation of a test''s abnormal results, per hour, in the test''s unit';
CREATE OR REPLACE VIEW patient_status AS
  SELECT patient_id, a.admission_id, coalesce(a.department, 'Unknown') AS department,
         a.admission_date, a.admissions, l.test_name AS last_abnormal_test,
         l.test_value AS last_abnormal_value, l.direction AS last_abnormal_direction,
         l.collected_at AS last_abnormal_at
  FROM (
    SELECT DISTINCT ON (patient_id) *, count(*) OVER (PARTITION BY patient_id) AS admissions
    FROM admissions ORDER BY patient_id, admission_date DESC, admission_id DESC
  ) a
  LEFT JOIN (
    SELECT DISTINCT ON (patient_id) *
    FROM abnormal_results ORDER BY patient_id, collected_at DESC, lab_id DESC
  ) l USING (patient_id);
COMMENT ON VIEW patient_status IS
  'Latest admission and latest abnormal result of each patient, by the hospital''s clock';

-- Reporting ---------------------------------------------------------------------------------------
-- What dashboard/ and powerbi/ read, and nobody else. Times have no zone, and identifiers are text, as
-- Power BI's DirectQuery needs them. There are no names and no dates of birth.
CREATE SCHEMA IF NOT EXISTS bi;
COMMENT ON SCHEMA bi IS 'What dashboards read. All data is synthetic';
CREATE INDEX IF NOT EXISTS admissions_hourly_hour ON admissions_hourly
  USING brin ((window_start AT TIME ZONE 'UTC')) WITH (pages_per_range = 32, autosummarize = on);
CREATE OR REPLACE VIEW bi.clock AS
  WITH newest AS MATERIALIZED (
    -- The trend has few rows: it says which rows of the large table to look at. It may be ahead of it.
    SELECT coalesce(
      (SELECT max(admission_date AT TIME ZONE 'UTC') FROM admissions
       WHERE admission_date AT TIME ZONE 'UTC'
         >= (SELECT max(window_start) AT TIME ZONE 'UTC' FROM length_of_stay_daily)),
      (SELECT max(admission_date AT TIME ZONE 'UTC') FROM admissions)
    ) AS at
  )
  SELECT at AS now, at::date AS today FROM newest;
COMMENT ON VIEW bi.clock IS 'The hospital''s clock: the time of the newest admission';
CREATE OR REPLACE VIEW bi.calendar AS
  SELECT day::date AS date, extract(year FROM day)::int AS year,
         extract(quarter FROM day)::int AS quarter, extract(month FROM day)::int AS month,
         to_char(day, 'FMMonth') AS month_name, extract(week FROM day)::int AS week,
         extract(isodow FROM day)::int AS weekday, to_char(day, 'FMDay') AS weekday_name
  FROM (
    SELECT date_trunc('year', min(window_start) AT TIME ZONE 'UTC') AS first,
           date_trunc('year', max(window_start) AT TIME ZONE 'UTC') + interval '1 year' AS after
    FROM length_of_stay_daily
  ) years, generate_series(years.first, years.after - interval '1 day', '1 day') AS days (day);
COMMENT ON VIEW bi.calendar IS 'Every day of the years with admissions; weeks and weekdays by ISO 8601';
CREATE OR REPLACE VIEW bi.departments AS
  SELECT DISTINCT department FROM length_of_stay_daily;
COMMENT ON VIEW bi.departments IS 'Departments that have admitted a patient';
CREATE OR REPLACE FUNCTION bi.age_band(born date, at date) RETURNS text LANGUAGE sql IMMUTABLE
  RETURN coalesce(
    (ARRAY['0-17', '18-39', '40-64', '65-79', '80+'])[1 + width_bucket(
      extract(year FROM age(at::timestamp, born::timestamp)), ARRAY[18, 40, 65, 80]::numeric[])],
    'Unknown');
COMMENT ON FUNCTION bi.age_band IS 'The age band of the trends, by the age in whole years';
CREATE OR REPLACE VIEW bi.patients AS
  SELECT patient_id, coalesce(gender, 'Unknown') AS gender, coalesce(race, 'Unknown') AS race,
         coalesce(insurance, 'Unknown') AS insurance,
         bi.age_band(birth_date, clock.today) AS age_band
  FROM patients, bi.clock;
COMMENT ON VIEW bi.patients IS 'Patients without names; their age by the hospital''s clock';
CREATE OR REPLACE VIEW bi.admissions_hourly AS
  SELECT department, admission_type, window_start AT TIME ZONE 'UTC' AS hour,
         (window_start AT TIME ZONE 'UTC')::date AS day, admissions
  FROM admissions_hourly;
COMMENT ON VIEW bi.admissions_hourly IS 'Admissions by department, type and hour';
CREATE OR REPLACE VIEW bi.admissions AS
  SELECT admission_id, patient_id, coalesce(department, 'Unknown') AS department,
         coalesce(admission_type, 'Unknown') AS admission_type,
         admission_date AT TIME ZONE 'UTC' AS admitted_at,
         (admission_date AT TIME ZONE 'UTC')::date AS admitted_on,
         discharge_date AT TIME ZONE 'UTC' AS discharged_at,
         (discharge_date AT TIME ZONE 'UTC')::date AS discharged_on, length_of_stay_hours,
         coalesce(discharge_disposition, 'Unknown') AS discharge_disposition,
         coalesce(gender, 'Unknown') AS gender,
         bi.age_band(birth_date, (admission_date AT TIME ZONE 'UTC')::date) AS age_band
  FROM admissions
  LEFT JOIN patients USING (patient_id);
COMMENT ON VIEW bi.admissions IS 'Encounters, with the gender of the patient and the age at admission';
COMMENT ON COLUMN bi.admissions.discharged_at IS 'Known at admission: the length of stay is synthetic';
CREATE OR REPLACE VIEW bi.diagnoses AS
  SELECT diagnosis_id, admission_id, diagnosis_code, diagnosis_description, diagnosis_rank,
         diagnosed_at AT TIME ZONE 'UTC' AS diagnosed_at,
         (diagnosed_at AT TIME ZONE 'UTC')::date AS diagnosed_on,
         coalesce(department, 'Unknown') AS department,
         coalesce(admission_type, 'Unknown') AS admission_type
  FROM diagnoses
  LEFT JOIN admissions USING (admission_id);
COMMENT ON VIEW bi.diagnoses IS 'Diagnoses, with the department and the type of their admission';
CREATE OR REPLACE VIEW bi.labs AS
  SELECT lab_id, admission_id, test_code, test_name, test_unit, test_value, test_reference_low,
         test_reference_high, collected_at AT TIME ZONE 'UTC' AS collected_at,
         (collected_at AT TIME ZONE 'UTC')::date AS collected_on,
         CASE WHEN test_value < test_reference_low THEN 'low'
           WHEN test_value > test_reference_high THEN 'high' ELSE 'normal' END AS direction,
         (test_value < test_reference_low OR test_value > test_reference_high)::int AS abnormal,
         greatest(test_reference_low - test_value, test_value - test_reference_high, 0)
           / nullif(test_reference_high - test_reference_low, 0) AS deviation,
         coalesce(department, 'Unknown') AS department,
         coalesce(admission_type, 'Unknown') AS admission_type
  FROM lab_results
  LEFT JOIN admissions USING (admission_id);
COMMENT ON VIEW bi.labs IS 'Laboratory results, with the department and the type of their admission';
COMMENT ON COLUMN bi.labs.deviation IS
  'How far outside the reference range, as a share of the range''s width; 0 within it';
CREATE OR REPLACE VIEW bi.rejects AS
  SELECT reject_id, source_topic, rule, source_timestamp AT TIME ZONE 'UTC' AS rejected_at,
         (source_timestamp AT TIME ZONE 'UTC')::date AS rejected_on
  FROM rejected_records, unnest(string_to_array(rules, ',')) AS broken (rule);
COMMENT ON VIEW bi.rejects IS 'Raw records that were rejected, a row for each rule that they broke';
CREATE OR REPLACE VIEW bi.freshness AS
  SELECT stage, newest,
         CASE WHEN clock.now IS NOT NULL THEN least(168, greatest(0,
           coalesce(extract(epoch FROM clock.now - newest) / 3600, 168)))::float
         END AS behind_hours
  FROM bi.clock,
       LATERAL (
         SELECT 'admissions' AS stage, clock.now AS newest
         UNION ALL
         SELECT 'admissions per hour', max(hour) FROM bi.admissions_hourly
           WHERE hour > clock.now - interval '7 days'
         UNION ALL
         SELECT 'diagnoses', max(diagnosed_at) FROM bi.diagnoses
           WHERE diagnosed_at > clock.now - interval '7 days'
         UNION ALL
         SELECT 'laboratory results', max(collected_at) FROM bi.labs
           WHERE collected_at > clock.now - interval '7 days'
       ) newest;
COMMENT ON VIEW bi.freshness IS 'The newest row of each table, of the last 7 days';
COMMENT ON COLUMN bi.freshness.behind_hours IS
  'How far it is behind the hospital''s clock; 168 if there is none of these days';
CREATE OR REPLACE VIEW bi.alerts AS
  SELECT alert_id, key, message, opened_at AT TIME ZONE 'UTC' AS opened_at,
         closed_at AT TIME ZONE 'UTC' AS closed_at, (closed_at IS NULL)::int AS is_open
  FROM alerts;
COMMENT ON VIEW bi.alerts IS 'Alerts of Airflow, by the real clock';
GRANT USAGE ON SCHEMA bi TO bi_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA bi TO bi_reader;

-- Privileges on the tables and views of this file -------------------------------------------------
GRANT SELECT ON department_census, top_diagnoses, stay_extremes_daily, abnormal_results,
  largest_deviations_hourly, patient_status TO bi_reader, orchestrator;
GRANT SELECT, INSERT, UPDATE ON alerts, cleansing_runs TO orchestrator;

GRANT SELECT, INSERT, UPDATE, DELETE ON "abnormal_labs_hourly" TO "connect_writer";
GRANT SELECT ON "abnormal_labs_hourly" TO "bi_reader";
GRANT SELECT ON "abnormal_labs_hourly" TO "orchestrator";
GRANT SELECT, INSERT, UPDATE, DELETE ON "admissions_by_age_daily" TO "connect_writer";
GRANT SELECT ON "admissions_by_age_daily" TO "bi_reader";
GRANT SELECT ON "admissions_by_age_daily" TO "orchestrator";
GRANT SELECT, INSERT, UPDATE, DELETE ON "admissions_hourly" TO "connect_writer";
GRANT SELECT ON "admissions_hourly" TO "bi_reader";
GRANT SELECT ON "admissions_hourly" TO "orchestrator";
GRANT SELECT, INSERT, UPDATE, DELETE ON "admissions" TO "connect_writer";
GRANT SELECT ON "admissions" TO "bi_reader";
GRANT SELECT ON "admissions" TO "orchestrator";
GRANT SELECT, INSERT, UPDATE, DELETE ON "diagnoses_daily" TO "connect_writer";
GRANT SELECT ON "diagnoses_daily" TO "bi_reader";
GRANT SELECT ON "diagnoses_daily" TO "orchestrator";
GRANT SELECT, INSERT, UPDATE, DELETE ON "diagnoses" TO "connect_writer";
GRANT SELECT ON "diagnoses" TO "bi_reader";
GRANT SELECT ON "diagnoses" TO "orchestrator";
GRANT SELECT, INSERT, UPDATE, DELETE ON "discharges_hourly" TO "connect_writer";
GRANT SELECT ON "discharges_hourly" TO "bi_reader";
GRANT SELECT ON "discharges_hourly" TO "orchestrator";
GRANT SELECT, INSERT, UPDATE, DELETE ON "lab_results" TO "connect_writer";
GRANT SELECT ON "lab_results" TO "bi_reader";
GRANT SELECT ON "lab_results" TO "orchestrator";
GRANT SELECT, INSERT, UPDATE, DELETE ON "length_of_stay_daily" TO "connect_writer";
GRANT SELECT ON "length_of_stay_daily" TO "bi_reader";
GRANT SELECT ON "length_of_stay_daily" TO "orchestrator";
GRANT SELECT, INSERT, UPDATE, DELETE ON "patients" TO "connect_writer";
REVOKE SELECT ON "patients" FROM "bi_reader";
GRANT SELECT ("gender", "insurance", "patient_id", "race") ON "patients" TO "bi_reader";
GRANT SELECT ON "patients" TO "orchestrator";
GRANT SELECT, INSERT, UPDATE, DELETE ON "rejected_records" TO "connect_writer";
REVOKE SELECT ON "rejected_records" FROM "bi_reader";
GRANT SELECT ("record_key", "reject_id", "rules", "source_offset", "source_partition", "source_timestamp", "source_topic") ON "rejected_records" TO "bi_reader";
GRANT SELECT ON "rejected_records" TO "orchestrator";
COMMIT;
