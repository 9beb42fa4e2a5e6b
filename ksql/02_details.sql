-- Records with what belongs to them. A key is there twice: as the record's key, and in the value by
-- AS_VALUE, where a JDBC sink finds it. The retention is what topics.yaml says: ksqlDB refuses another one.
SET 'auto.offset.reset' = 'earliest';

-- What happens where? Each admission with no blank in what it is counted by.
CREATE STREAM admissions_named WITH (KAFKA_TOPIC = 'admissions_named', RETENTION_MS = -1) AS
  SELECT
    admission_id AS admission_key,
    AS_VALUE(admission_id) AS admission_id,
    patient_id AS patient_id,
    COALESCE(department, 'Unknown') AS department,
    COALESCE(admission_type, 'Unknown') AS admission_type,
    admission_date AS admission_date,
    length_of_stay_hours AS length_of_stay_hours
  FROM admissions
  EMIT CHANGES;

-- Who is admitted? Each admission with its patient, whichever comes first; the age is in whole years.
CREATE TABLE admissions_enriched WITH (KAFKA_TOPIC = 'admissions_enriched') AS
  SELECT
    a.admission_id AS admission_key,
    AS_VALUE(a.admission_id) AS admission_id,
    a.patient_id AS patient_id,
    COALESCE(a.department, 'Unknown') AS department,
    COALESCE(a.admission_type, 'Unknown') AS admission_type,
    a.admission_date AS admission_date,
    (CAST(FORMAT_TIMESTAMP(a.admission_date, 'yyyyMMdd') AS INTEGER)
      - CAST(FORMAT_DATE(p.birth_date, 'yyyyMMdd') AS INTEGER)) / 10000 AS age_at_admission,
    COALESCE(p.gender, 'Unknown') AS gender,
    COALESCE(p.race, 'Unknown') AS race,
    COALESCE(p.insurance, 'Unknown') AS insurance
  FROM admissions_by_id a
  LEFT JOIN patients p ON a.patient_id = p.patient_id
  EMIT CHANGES;

-- What are they admitted for? Each primary diagnosis with its admission, whichever comes first.
CREATE STREAM primary_diagnoses WITH (KAFKA_TOPIC = 'primary_diagnoses', RETENTION_MS = -1) AS
  SELECT
    d.diagnosis_id AS diagnosis_key,
    AS_VALUE(d.diagnosis_id) AS diagnosis_id,
    d.admission_id AS admission_id,
    a.patient_id AS patient_id,
    a.department AS department,
    d.diagnosis_code AS diagnosis_code,
    d.diagnosis_description AS diagnosis_description,
    d.diagnosed_at AS diagnosed_at
  FROM diagnoses d
  JOIN admissions_named a WITHIN 30 DAYS GRACE PERIOD 3650 DAYS ON d.admission_id = a.admission_key
  WHERE d.diagnosis_rank = 'Primary'
  PARTITION BY d.diagnosis_id
  EMIT CHANGES;

-- Which results are outside their reference range, which way, and how far?
CREATE STREAM abnormal_labs WITH (KAFKA_TOPIC = 'abnormal_labs', RETENTION_MS = -1) AS
  SELECT
    l.lab_id AS lab_key,
    AS_VALUE(l.lab_id) AS lab_id,
    l.admission_id AS admission_id,
    a.patient_id AS patient_id,
    l.test_code AS test_code,
    l.test_name AS test_name,
    l.test_unit AS test_unit,
    l.test_value AS test_value,
    CASE WHEN l.test_value < l.test_reference_low THEN 'low' ELSE 'high' END AS direction,
    CASE
      WHEN l.test_value < l.test_reference_low THEN l.test_reference_low - l.test_value
      ELSE l.test_value - l.test_reference_high
    END AS deviation,
    l.collected_at AS collected_at
  FROM labs l
  JOIN admissions_named a WITHIN 30 DAYS GRACE PERIOD 3650 DAYS ON l.admission_id = a.admission_key
  WHERE l.test_value < l.test_reference_low OR l.test_value > l.test_reference_high
  PARTITION BY l.lab_id
  EMIT CHANGES;

-- When does a patient leave? The admissions at the time of their discharge.
CREATE STREAM discharges
  WITH (KAFKA_TOPIC = 'discharges', RETENTION_MS = -1, TIMESTAMP = 'discharge_date') AS
  SELECT
    admission_key,
    admission_id AS admission_id,
    department AS department,
    TIMESTAMPADD(HOURS, length_of_stay_hours, admission_date) AS discharge_date
  FROM admissions_named
  EMIT CHANGES;
