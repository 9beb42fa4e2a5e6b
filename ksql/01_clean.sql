-- The clean topics as tables: each entity as it is now, by its id. A record that is delivered twice
-- changes nothing, a correction takes the place of what it corrects.
-- Paste any of these files into the ksqlDB CLI, in order.
SET 'auto.offset.reset' = 'earliest';

-- Who is there to be admitted? Every patient.
CREATE TABLE patients (
  patient_id VARCHAR PRIMARY KEY,
  gender VARCHAR,
  race VARCHAR,
  birth_date DATE,
  insurance VARCHAR
) WITH (KAFKA_TOPIC = 'patients_clean', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'AVRO');

-- Who came, when, where to, and for how long? Every admission.
CREATE TABLE admissions (
  admission_id VARCHAR PRIMARY KEY,
  patient_id VARCHAR,
  department VARCHAR,
  admission_type VARCHAR,
  admission_date TIMESTAMP,
  length_of_stay_hours INTEGER
) WITH (KAFKA_TOPIC = 'patient_admissions_clean', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'AVRO');

-- What was found to be wrong with them? Every diagnosis.
CREATE TABLE diagnoses (
  diagnosis_id VARCHAR PRIMARY KEY,
  admission_id VARCHAR,
  diagnosis_code VARCHAR,
  diagnosis_description VARCHAR,
  diagnosis_rank VARCHAR,
  diagnosed_at TIMESTAMP
) WITH (KAFKA_TOPIC = 'patient_diagnoses_clean', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'AVRO');

-- What did the laboratory measure? Every result of a test.
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
