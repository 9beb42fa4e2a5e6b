-- Joins of the clean tables, in whatever order the records arrive. *_ms is the start of the hour or
-- day that the trends group by, in milliseconds since 1970. Tables have no windows: with the time as
-- a column, a correction moves a row from its old hour to its new one.
-- AS_VALUE copies the key into the record's value, because a JDBC sink reads only the value.
SET 'auto.offset.reset' = 'earliest';

-- One row per admission, with its time of discharge. A missing department or type is 'Unknown'.
CREATE TABLE admissions_named WITH (KAFKA_TOPIC = 'admissions_named') AS
  SELECT
    admission_id AS admission_key,
    AS_VALUE(admission_id) AS admission_id,
    patient_id AS patient_id,
    COALESCE(department, 'Unknown') AS department,
    COALESCE(admission_type, 'Unknown') AS admission_type,
    admission_date AS admission_date,
    length_of_stay_hours AS length_of_stay_hours,
    TIMESTAMPADD(HOURS, length_of_stay_hours, admission_date) AS discharge_date,
    UNIX_TIMESTAMP(admission_date) / 3600000 * 3600000 AS hour_ms,
    UNIX_TIMESTAMP(admission_date) / 86400000 * 86400000 AS day_ms,
    UNIX_TIMESTAMP(TIMESTAMPADD(HOURS, length_of_stay_hours, admission_date)) / 3600000 * 3600000
      AS discharge_hour_ms
  FROM admissions
  EMIT CHANGES;

-- One row per admission, with its patient. The age is in whole years.
CREATE TABLE admissions_enriched WITH (KAFKA_TOPIC = 'admissions_enriched') AS
  SELECT
    a.admission_id AS admission_key,
    AS_VALUE(a.admission_id) AS admission_id,
    a.patient_id AS patient_id,
    COALESCE(a.department, 'Unknown') AS department,
    COALESCE(a.admission_type, 'Unknown') AS admission_type,
    a.admission_date AS admission_date,
    -- ksqlDB logs an error for each null that FORMAT_DATE gets: for each admission before its patient.
    CASE
      WHEN p.birth_date IS NOT NULL
        THEN (CAST(FORMAT_TIMESTAMP(a.admission_date, 'yyyyMMdd') AS INTEGER)
          - CAST(FORMAT_DATE(p.birth_date, 'yyyyMMdd') AS INTEGER)) / 10000
    END AS age_at_admission,
    COALESCE(p.gender, 'Unknown') AS gender,
    COALESCE(p.race, 'Unknown') AS race,
    COALESCE(p.insurance, 'Unknown') AS insurance
  FROM admissions a
  LEFT JOIN patients p ON a.patient_id = p.patient_id
  EMIT CHANGES;

-- One row per admission, with the patient's age band and gender.
CREATE TABLE admissions_by_band WITH (KAFKA_TOPIC = 'admissions_by_band') AS
  SELECT
    admission_key,
    CASE
      WHEN age_at_admission IS NULL THEN 'Unknown'
      WHEN age_at_admission < 18 THEN '0-17'
      WHEN age_at_admission < 40 THEN '18-39'
      WHEN age_at_admission < 65 THEN '40-64'
      WHEN age_at_admission < 80 THEN '65-79'
      ELSE '80+'
    END AS age_band,
    gender AS gender,
    UNIX_TIMESTAMP(admission_date) / 86400000 * 86400000 AS day_ms
  FROM admissions_enriched
  EMIT CHANGES;

-- One row per primary diagnosis, with its admission.
CREATE TABLE primary_diagnoses WITH (KAFKA_TOPIC = 'primary_diagnoses') AS
  SELECT
    d.diagnosis_id AS diagnosis_key,
    AS_VALUE(d.diagnosis_id) AS diagnosis_id,
    d.admission_id AS admission_id,
    a.patient_id AS patient_id,
    a.department AS department,
    COALESCE(d.diagnosis_code, 'Unknown') AS diagnosis_code,
    COALESCE(d.diagnosis_description, 'Unknown') AS diagnosis_description,
    d.diagnosed_at AS diagnosed_at,
    UNIX_TIMESTAMP(d.diagnosed_at) / 86400000 * 86400000 AS day_ms
  FROM diagnoses d
  JOIN admissions_named a ON d.admission_id = a.admission_key
  WHERE d.diagnosis_rank = 'Primary'
  EMIT CHANGES;

-- One row per laboratory result outside its reference range, with its admission, the direction (low
-- or high) and the deviation from the range.
CREATE TABLE abnormal_labs WITH (KAFKA_TOPIC = 'abnormal_labs') AS
  SELECT
    l.lab_id AS lab_key,
    AS_VALUE(l.lab_id) AS lab_id,
    l.admission_id AS admission_id,
    a.patient_id AS patient_id,
    COALESCE(l.test_code, 'Unknown') AS test_code,
    COALESCE(l.test_name, 'Unknown') AS test_name,
    l.test_unit AS test_unit,
    l.test_value AS test_value,
    CASE WHEN l.test_value < l.test_reference_low THEN 'low' ELSE 'high' END AS direction,
    CASE
      WHEN l.test_value < l.test_reference_low THEN l.test_reference_low - l.test_value
      ELSE l.test_value - l.test_reference_high
    END AS deviation,
    l.collected_at AS collected_at,
    UNIX_TIMESTAMP(l.collected_at) / 3600000 * 3600000 AS hour_ms
  FROM labs l
  JOIN admissions_named a ON l.admission_id = a.admission_key
  WHERE l.test_value < l.test_reference_low OR l.test_value > l.test_reference_high
  EMIT CHANGES;
