-- The clean topics as tables, keyed by the entity's id: a row is the entity's newest record. A second
-- delivery of a record changes nothing. A correction replaces the record that it corrects.
-- These files also run in the ksqlDB CLI: paste them in order.
SET 'auto.offset.reset' = 'earliest';

-- One row per patient: demographics and insurance.
CREATE TABLE patients (
  patient_id VARCHAR PRIMARY KEY,
  gender VARCHAR,
  race VARCHAR,
  birth_date DATE,
  insurance VARCHAR
) WITH (KAFKA_TOPIC = 'patients_clean', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'AVRO');

-- One row per admission: patient, department, type, time and length of stay.
CREATE TABLE admissions (
  admission_id VARCHAR PRIMARY KEY,
  patient_id VARCHAR,
  department VARCHAR,
  admission_type VARCHAR,
  admission_date TIMESTAMP,
  length_of_stay_hours INTEGER
) WITH (KAFKA_TOPIC = 'patient_admissions_clean', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'AVRO');

-- One row per diagnosis: admission, ICD-10-CM code, rank and time.
CREATE TABLE diagnoses (
  diagnosis_id VARCHAR PRIMARY KEY,
  admission_id VARCHAR,
  diagnosis_code VARCHAR,
  diagnosis_description VARCHAR,
  diagnosis_rank VARCHAR,
  diagnosed_at TIMESTAMP
) WITH (KAFKA_TOPIC = 'patient_diagnoses_clean', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'AVRO');

-- One row per laboratory result: admission, LOINC test, value, reference range and time.
CREATE TABLE labs (
  lab_id VARCHAR PRIMARY KEY,
  admission_id VARCHAR,
  test_code VARCHAR,
  test_name VARCHAR,
  test_unit VARCHAR,
  test_value DOUBLE,
  test_reference_low DOUBLE,
  test_reference_high DOUBLE,
  collected_at TIMESTAMP
) WITH (KAFKA_TOPIC = 'patient_labs_clean', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'AVRO');
