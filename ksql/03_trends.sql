-- Trends. Each one counts the rows of a table, not the records that arrive: a record that is
-- delivered twice counts once, a corrected record moves to its new group, an empty group shows 0.
-- Aggregates from which a row cannot be subtracted are views in postgres/db_setup.sql: the shortest
-- and the longest stay, the largest deviation, a patient's latest admission.
SET 'auto.offset.reset' = 'earliest';

-- One row per department, admission type and hour: the number of admissions.
CREATE TABLE admissions_hourly WITH (KAFKA_TOPIC = 'admissions_hourly', KEY_FORMAT = 'DELIMITED') AS
  SELECT
    department AS department_key,
    admission_type AS admission_type_key,
    hour_ms AS hour_key,
    AS_VALUE(department) AS department,
    AS_VALUE(admission_type) AS admission_type,
    FROM_UNIXTIME(hour_ms) AS window_start,
    FROM_UNIXTIME(hour_ms + 3600000) AS window_end,
    COUNT(*) AS admissions
  FROM admissions_named
  GROUP BY department, admission_type, hour_ms
  EMIT CHANGES;

-- One row per department and hour: the number of discharges.
CREATE TABLE discharges_hourly WITH (KAFKA_TOPIC = 'discharges_hourly', KEY_FORMAT = 'DELIMITED') AS
  SELECT
    department AS department_key,
    discharge_hour_ms AS hour_key,
    AS_VALUE(department) AS department,
    FROM_UNIXTIME(discharge_hour_ms) AS window_start,
    FROM_UNIXTIME(discharge_hour_ms + 3600000) AS window_end,
    COUNT(*) AS discharges
  FROM admissions_named
  GROUP BY department, discharge_hour_ms
  EMIT CHANGES;

-- One row per department and day of admission: the number of admissions and their average stay in
-- hours. The shortest and the longest stay are in the view stay_extremes_daily.
CREATE TABLE length_of_stay_daily
  WITH (KAFKA_TOPIC = 'length_of_stay_daily', KEY_FORMAT = 'DELIMITED') AS
  SELECT
    department AS department_key,
    day_ms AS day_key,
    AS_VALUE(department) AS department,
    FROM_UNIXTIME(day_ms) AS window_start,
    FROM_UNIXTIME(day_ms + 86400000) AS window_end,
    COUNT(*) AS admissions,
    AVG(length_of_stay_hours) AS average_hours
  FROM admissions_named
  GROUP BY department, day_ms
  EMIT CHANGES;

-- One row per diagnosis and day: the number of primary diagnoses. The view top_diagnoses ranks them.
CREATE TABLE diagnoses_daily WITH (KAFKA_TOPIC = 'diagnoses_daily', KEY_FORMAT = 'DELIMITED') AS
  SELECT
    diagnosis_code AS diagnosis_code_key,
    diagnosis_description AS diagnosis_description_key,
    day_ms AS day_key,
    AS_VALUE(diagnosis_code) AS diagnosis_code,
    AS_VALUE(diagnosis_description) AS diagnosis_description,
    FROM_UNIXTIME(day_ms) AS window_start,
    FROM_UNIXTIME(day_ms + 86400000) AS window_end,
    COUNT(*) AS diagnoses
  FROM primary_diagnoses
  GROUP BY diagnosis_code, diagnosis_description, day_ms
  EMIT CHANGES;

-- One row per laboratory test and hour: the number of abnormal results, low ones and high ones. The
-- largest deviation is in the view largest_deviations_hourly.
CREATE TABLE abnormal_labs_hourly
  WITH (KAFKA_TOPIC = 'abnormal_labs_hourly', KEY_FORMAT = 'DELIMITED') AS
  SELECT
    test_code AS test_code_key,
    test_name AS test_name_key,
    hour_ms AS hour_key,
    AS_VALUE(test_code) AS test_code,
    AS_VALUE(test_name) AS test_name,
    FROM_UNIXTIME(hour_ms) AS window_start,
    FROM_UNIXTIME(hour_ms + 3600000) AS window_end,
    COUNT(*) AS abnormal,
    SUM(CASE WHEN direction = 'low' THEN 1 ELSE 0 END) AS low,
    SUM(CASE WHEN direction = 'high' THEN 1 ELSE 0 END) AS high
  FROM abnormal_labs
  GROUP BY test_code, test_name, hour_ms
  EMIT CHANGES;

-- One row per age band, gender and day: the number of admissions. They count as 'Unknown' until the
-- patient is registered, then they move to the patient's group.
CREATE TABLE admissions_by_age_daily
  WITH (KAFKA_TOPIC = 'admissions_by_age_daily', KEY_FORMAT = 'DELIMITED') AS
  SELECT
    age_band AS age_band_key,
    gender AS gender_key,
    day_ms AS day_key,
    AS_VALUE(age_band) AS age_band,
    AS_VALUE(gender) AS gender,
    FROM_UNIXTIME(day_ms) AS window_start,
    FROM_UNIXTIME(day_ms + 86400000) AS window_end,
    COUNT(*) AS admissions
  FROM admissions_by_band
  GROUP BY age_band, gender, day_ms
  EMIT CHANGES;
