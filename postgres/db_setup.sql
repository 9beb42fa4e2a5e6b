-- The pipeline's tables and roles in healthcare_pipeline_db. All data is synthetic.
-- Re-runnable: `make deploy` runs it, as the administrator, whenever its text has changed.
-- The sinks upsert into these tables and never alter them. To add a column: ALTER TABLE ... ADD
-- COLUMN IF NOT EXISTS at the end of the table's part, and the field to the topic's schema.

-- Indexes are BRIN where rows arrive in the order of the column, as encounters do: they cost next to
-- nothing per row, where a B-tree takes a third of a sink's time.

-- Roles ------------------------------------------------------------------------------------------
-- Without a password nobody can log in; `make deploy` sets the generated ones.
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
END
$$;
COMMENT ON ROLE connect_writer IS 'Kafka Connect: reads and upserts the pipeline''s tables';
COMMENT ON ROLE bi_reader IS 'Power BI and dashboards: reads';
COMMENT ON ROLE orchestrator IS 'Airflow: reads, and writes its alerts and its notes on runs';

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO connect_writer, bi_reader, orchestrator;

-- Patients ---------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS patients (
  patient_id      text PRIMARY KEY,
  first_name      text,
  last_name       text,
  gender          text,
  race            text,
  birth_date      date,
  insurance       text,
  medical_history text
);
COMMENT ON TABLE patients IS 'Demographics, one row per patient; the latest version wins';
COMMENT ON COLUMN patients.medical_history IS 'Known conditions, separated by "; "';

-- Admissions -------------------------------------------------------------------------------------
-- No foreign keys: the topics arrive independently, a child may be here before its parent.
CREATE TABLE IF NOT EXISTS admissions (
  admission_id          text PRIMARY KEY,
  patient_id            text NOT NULL,
  department            text,
  admission_type        text,
  admission_date        timestamptz NOT NULL,
  length_of_stay_hours  integer,
  discharge_disposition text,
  discharge_date        timestamptz GENERATED ALWAYS AS (
    (admission_date AT TIME ZONE 'UTC' + length_of_stay_hours * interval '1 hour') AT TIME ZONE 'UTC'
  ) STORED
);
CREATE INDEX IF NOT EXISTS admissions_patient_id ON admissions (patient_id);
CREATE INDEX IF NOT EXISTS admissions_admission_date ON admissions
  USING brin (admission_date) WITH (pages_per_range = 32, autosummarize = on);
COMMENT ON TABLE admissions IS 'Inpatient encounters, one row per admission';
COMMENT ON COLUMN admissions.discharge_date IS 'admission_date + length_of_stay_hours';

-- Diagnoses --------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS diagnoses (
  diagnosis_id          text PRIMARY KEY,
  admission_id          text NOT NULL,
  diagnosis_code        text,
  diagnosis_description text,
  diagnosis_rank        text,
  diagnosed_at          timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS diagnoses_admission_id ON diagnoses
  USING brin (admission_id) WITH (pages_per_range = 32, autosummarize = on);
COMMENT ON TABLE diagnoses IS 'Diagnoses made in an encounter';
COMMENT ON COLUMN diagnoses.diagnosis_code IS 'ICD-10-CM code, with its point';
COMMENT ON COLUMN diagnoses.diagnosis_rank IS 'Primary or Secondary';

-- Laboratory results -----------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS lab_results (
  lab_id              text PRIMARY KEY,
  admission_id        text NOT NULL,
  test_code           text,
  test_name           text,
  test_unit           text,
  test_value          double precision,
  test_reference_low  double precision,
  test_reference_high double precision,
  collected_at        timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS lab_results_admission_id ON lab_results
  USING brin (admission_id) WITH (pages_per_range = 32, autosummarize = on);
COMMENT ON TABLE lab_results IS 'Results of laboratory tests, one row each';
COMMENT ON COLUMN lab_results.test_code IS 'LOINC code';
COMMENT ON COLUMN lab_results.test_unit IS 'UCUM unit of the value and its reference range';

-- Rejects ----------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS rejected_records (
  reject_id        text PRIMARY KEY,
  source_topic     text NOT NULL,
  source_partition integer NOT NULL,
  source_offset    bigint NOT NULL,
  source_timestamp timestamptz NOT NULL,
  rules            text NOT NULL,
  record_key       bytea,
  record_value     bytea
);
CREATE INDEX IF NOT EXISTS rejected_records_source_timestamp ON rejected_records
  USING brin (source_timestamp) WITH (pages_per_range = 32, autosummarize = on);
COMMENT ON TABLE rejected_records IS 'Raw records that the cleansing refused, as they were';
COMMENT ON COLUMN rejected_records.rules IS 'Names of the rules of spark/rules.yaml, comma-separated';

-- Trends -----------------------------------------------------------------------------------------
-- One table per trend of ksql/. A row is written at each change of its count, and can become 0.
-- Tables of the time when trends counted records: their statements write all of them again.
DO $$
BEGIN
  IF EXISTS (SELECT FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name = 'length_of_stay_daily'
               AND column_name = 'shortest_hours') THEN
    DROP TABLE patient_status, admissions_hourly, discharges_hourly, length_of_stay_daily,
      diagnoses_daily, abnormal_labs_hourly, admissions_by_age_daily CASCADE;
  END IF;
END
$$;
CREATE TABLE IF NOT EXISTS admissions_hourly (
  department     text,
  admission_type text,
  window_start   timestamptz,
  window_end     timestamptz NOT NULL,
  admissions     bigint NOT NULL,
  PRIMARY KEY (department, admission_type, window_start)
);
CREATE TABLE IF NOT EXISTS discharges_hourly (
  department   text,
  window_start timestamptz,
  window_end   timestamptz NOT NULL,
  discharges   bigint NOT NULL,
  PRIMARY KEY (department, window_start)
);
CREATE TABLE IF NOT EXISTS length_of_stay_daily (
  department     text,
  window_start   timestamptz,
  window_end     timestamptz NOT NULL,
  admissions     bigint NOT NULL,
  average_hours  double precision,
  PRIMARY KEY (department, window_start)
);
CREATE TABLE IF NOT EXISTS diagnoses_daily (
  diagnosis_code        text,
  diagnosis_description text,
  window_start          timestamptz,
  window_end            timestamptz NOT NULL,
  diagnoses             bigint NOT NULL,
  PRIMARY KEY (diagnosis_code, diagnosis_description, window_start)
);
CREATE TABLE IF NOT EXISTS abnormal_labs_hourly (
  test_code    text,
  test_name    text,
  window_start timestamptz,
  window_end   timestamptz NOT NULL,
  abnormal     bigint NOT NULL,
  low          integer NOT NULL,
  high         integer NOT NULL,
  PRIMARY KEY (test_code, test_name, window_start)
);
CREATE TABLE IF NOT EXISTS admissions_by_age_daily (
  age_band     text,
  gender       text,
  window_start timestamptz,
  window_end   timestamptz NOT NULL,
  admissions   bigint NOT NULL,
  PRIMARY KEY (age_band, gender, window_start)
);
COMMENT ON TABLE admissions_hourly IS 'Admissions by department and type, per hour of admission';
COMMENT ON TABLE discharges_hourly IS 'Discharges by department, per hour of discharge';
COMMENT ON TABLE length_of_stay_daily IS 'Hours stayed by department, per day of admission';
COMMENT ON TABLE diagnoses_daily IS 'Primary diagnoses by ICD-10-CM code, per day';
COMMENT ON TABLE abnormal_labs_hourly IS
  'Results outside their reference range by LOINC code, per hour';
COMMENT ON TABLE admissions_by_age_daily IS
  'Admissions by age band and gender, per day; Unknown until the patient is registered';

-- Orchestration ----------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS cleansing_runs (
  run_id      text PRIMARY KEY,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  clean       bigint NOT NULL,
  rejected    bigint NOT NULL,
  duplicates  bigint NOT NULL
);
COMMENT ON TABLE cleansing_runs IS
  'What the cleansing had done, at each run of spark_processing_dag; a continuous job counts on';
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
COMMENT ON TABLE alerts IS 'One row per alert while it lasts and after; alerts_dag tells of it';
COMMENT ON COLUMN alerts.key IS 'Kind and subject; one lasts at a time';

-- Views for BI -----------------------------------------------------------------------------------
-- What a count of a table's rows cannot undo when a row is corrected is asked of what has landed.
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

-- Privileges -------------------------------------------------------------------------------------
GRANT SELECT, INSERT, UPDATE ON patients, admissions, diagnoses, lab_results, rejected_records,
  admissions_hourly, discharges_hourly, length_of_stay_daily, diagnoses_daily, abnormal_labs_hourly,
  admissions_by_age_daily TO connect_writer;
GRANT SELECT ON patients, admissions, diagnoses, lab_results, rejected_records,
  admissions_hourly, discharges_hourly, length_of_stay_daily, diagnoses_daily, abnormal_labs_hourly,
  admissions_by_age_daily, department_census, top_diagnoses, stay_extremes_daily, abnormal_results,
  largest_deviations_hourly, patient_status TO bi_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO orchestrator;
GRANT INSERT, UPDATE ON alerts, cleansing_runs TO orchestrator;
