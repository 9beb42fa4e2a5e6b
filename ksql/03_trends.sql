-- Trends. A window is written anew at every record that it gets; late records count, however late:
-- hence the grace period of ten years.
SET 'auto.offset.reset' = 'earliest';

-- How many are admitted, by department and type, per hour?
CREATE TABLE admissions_hourly WITH (KAFKA_TOPIC = 'admissions_hourly', KEY_FORMAT = 'DELIMITED') AS
  SELECT
    department AS department_key,
    admission_type AS admission_type_key,
    AS_VALUE(department) AS department,
    AS_VALUE(admission_type) AS admission_type,
    FROM_UNIXTIME(WINDOWSTART) AS window_start,
    FROM_UNIXTIME(WINDOWEND) AS window_end,
    COUNT(*) AS admissions
  FROM admissions_named
  WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 3650 DAYS)
  GROUP BY department, admission_type
  EMIT CHANGES;

-- How many are discharged, by department, per hour? With admissions_hourly: the department's census.
CREATE TABLE discharges_hourly WITH (KAFKA_TOPIC = 'discharges_hourly') AS
  SELECT
    department AS department_key,
    AS_VALUE(department) AS department,
    FROM_UNIXTIME(WINDOWSTART) AS window_start,
    FROM_UNIXTIME(WINDOWEND) AS window_end,
    COUNT(*) AS discharges
  FROM discharges
  WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 3650 DAYS)
  GROUP BY department
  EMIT CHANGES;

-- How long do they stay, by department, for those admitted on a day?
CREATE TABLE length_of_stay_daily WITH (KAFKA_TOPIC = 'length_of_stay_daily') AS
  SELECT
    department AS department_key,
    AS_VALUE(department) AS department,
    FROM_UNIXTIME(WINDOWSTART) AS window_start,
    FROM_UNIXTIME(WINDOWEND) AS window_end,
    COUNT(*) AS admissions,
    AVG(length_of_stay_hours) AS average_hours,
    MIN(length_of_stay_hours) AS shortest_hours,
    MAX(length_of_stay_hours) AS longest_hours
  FROM admissions_named
  WINDOW TUMBLING (SIZE 1 DAY, GRACE PERIOD 3650 DAYS)
  GROUP BY department
  EMIT CHANGES;

-- What are the top diagnoses of a day? Ranked by the view top_diagnoses in PostgreSQL.
CREATE TABLE diagnoses_daily WITH (KAFKA_TOPIC = 'diagnoses_daily') AS
  SELECT
    diagnosis_code AS diagnosis_code_key,
    AS_VALUE(diagnosis_code) AS diagnosis_code,
    FROM_UNIXTIME(WINDOWSTART) AS window_start,
    FROM_UNIXTIME(WINDOWEND) AS window_end,
    LATEST_BY_OFFSET(diagnosis_description) AS diagnosis_description,
    COUNT(*) AS diagnoses
  FROM primary_diagnoses
  WINDOW TUMBLING (SIZE 1 DAY, GRACE PERIOD 3650 DAYS)
  GROUP BY diagnosis_code
  EMIT CHANGES;

-- Which tests come back abnormal, per hour?
CREATE TABLE abnormal_labs_hourly WITH (KAFKA_TOPIC = 'abnormal_labs_hourly') AS
  SELECT
    test_code AS test_code_key,
    AS_VALUE(test_code) AS test_code,
    FROM_UNIXTIME(WINDOWSTART) AS window_start,
    FROM_UNIXTIME(WINDOWEND) AS window_end,
    LATEST_BY_OFFSET(test_name) AS test_name,
    COUNT(*) AS abnormal,
    SUM(CASE WHEN direction = 'low' THEN 1 ELSE 0 END) AS low,
    SUM(CASE WHEN direction = 'high' THEN 1 ELSE 0 END) AS high,
    MAX(deviation) AS largest_deviation
  FROM abnormal_labs
  WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 3650 DAYS)
  GROUP BY test_code
  EMIT CHANGES;

-- Who comes, by age band and gender, per day? Of a table there are no windows: the day is a column,
-- and a patient who is registered late moves from Unknown to where he belongs.
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

-- Where is a patient now? The latest admission, and the latest abnormal result.
CREATE TABLE patient_last_admission WITH (KAFKA_TOPIC = 'patient_last_admission') AS
  SELECT
    patient_id AS patient_key,
    LATEST_BY_OFFSET(admission_id) AS admission_id,
    LATEST_BY_OFFSET(department) AS department,
    LATEST_BY_OFFSET(admission_date) AS admission_date,
    COUNT(*) AS admissions
  FROM admissions_named
  GROUP BY patient_id
  EMIT CHANGES;

CREATE TABLE patient_last_abnormal_lab WITH (KAFKA_TOPIC = 'patient_last_abnormal_lab') AS
  SELECT
    patient_id AS patient_key,
    LATEST_BY_OFFSET(test_name) AS test_name,
    LATEST_BY_OFFSET(test_value) AS test_value,
    LATEST_BY_OFFSET(direction) AS direction,
    LATEST_BY_OFFSET(collected_at) AS collected_at
  FROM abnormal_labs
  GROUP BY patient_id
  EMIT CHANGES;

CREATE TABLE patient_status WITH (KAFKA_TOPIC = 'patient_status') AS
  SELECT
    a.patient_key AS patient_key,
    AS_VALUE(a.patient_key) AS patient_id,
    a.admission_id AS admission_id,
    a.department AS department,
    a.admission_date AS admission_date,
    a.admissions AS admissions,
    l.test_name AS last_abnormal_test,
    l.test_value AS last_abnormal_value,
    l.direction AS last_abnormal_direction,
    l.collected_at AS last_abnormal_at
  FROM patient_last_admission a
  LEFT JOIN patient_last_abnormal_lab l ON a.patient_key = l.patient_key
  EMIT CHANGES;
