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
END
$$;
COMMENT ON ROLE connect_writer IS 'Kafka Connect: reads and upserts the pipeline''s tables';
COMMENT ON ROLE bi_reader IS 'Power BI and dashboards: reads';
COMMENT ON ROLE orchestrator IS 'Airflow: reads, and writes its alerts and its notes on runs';
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

-- Privileges on the tables and views of this file -------------------------------------------------
GRANT SELECT ON department_census, top_diagnoses, stay_extremes_daily, abnormal_results,
  largest_deviations_hourly, patient_status TO bi_reader, orchestrator;
GRANT SELECT, INSERT, UPDATE ON alerts, cleansing_runs TO orchestrator;
