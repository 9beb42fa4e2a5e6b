-- The clean topics as streams and tables. Event time is the hospital's clock, not Kafka's.
-- Paste any of these files into the ksqlDB CLI, in order.
SET 'auto.offset.reset' = 'earliest';

-- Every admission, as it happens.
CREATE STREAM admissions (
  admission_id VARCHAR KEY,
  patient_id VARCHAR,
  department VARCHAR,
  admission_type VARCHAR,
  admission_date TIMESTAMP,
  length_of_stay_hours INTEGER
) WITH (
  KAFKA_TOPIC = 'patient_admissions_clean', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'AVRO',
  TIMESTAMP = 'admission_date'
);

-- Every diagnosis, as it is made.
CREATE STREAM diagnoses (
  diagnosis_id VARCHAR KEY,
  admission_id VARCHAR,
  diagnosis_code VARCHAR,
  diagnosis_description VARCHAR,
  diagnosis_rank VARCHAR,
  diagnosed_at TIMESTAMP
) WITH (
  KAFKA_TOPIC = 'patient_diagnoses_clean', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'AVRO',
  TIMESTAMP = 'diagnosed_at'
);

-- Every result of a laboratory test, as it is collected.
CREATE STREAM labs (
  lab_id VARCHAR KEY,
  admission_id VARCHAR,
  test_code VARCHAR,
  test_name VARCHAR,
  test_unit VARCHAR,
  test_value DOUBLE,
  test_reference_low DOUBLE,
  test_reference_high DOUBLE,
  collected_at TIMESTAMP
) WITH (
  KAFKA_TOPIC = 'patient_labs_clean', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'AVRO',
  TIMESTAMP = 'collected_at'
);

-- The admissions as they are now, by their id: what belongs to one may come before it.
CREATE TABLE admissions_by_id (
  admission_id VARCHAR PRIMARY KEY,
  patient_id VARCHAR,
  department VARCHAR,
  admission_type VARCHAR,
  admission_date TIMESTAMP,
  length_of_stay_hours INTEGER
) WITH (KAFKA_TOPIC = 'patient_admissions_clean', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'AVRO');

-- The patients as they are now.
CREATE TABLE patients (
  patient_id VARCHAR PRIMARY KEY,
  gender VARCHAR,
  race VARCHAR,
  birth_date DATE,
  insurance VARCHAR
) WITH (KAFKA_TOPIC = 'patients_clean', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'AVRO');
