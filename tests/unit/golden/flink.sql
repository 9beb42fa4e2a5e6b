CREATE TABLE `ADMISSIONS__topic` (
  `__key_ADMISSION_ID` STRING,
  `patient_id` STRING,
  `department` STRING,
  `admission_type` STRING,
  `admission_date` TIMESTAMP(3),
  `length_of_stay_hours` INT,
  PRIMARY KEY (`__key_ADMISSION_ID`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'patient_admissions_clean', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.group.id' = 'group-admissions_named', 'key.format' = 'text-or-skip');

CREATE VIEW `ADMISSIONS` AS
SELECT `__key_ADMISSION_ID` AS `ADMISSION_ID`, `patient_id` AS `PATIENT_ID`, `department` AS `DEPARTMENT`, `admission_type` AS `ADMISSION_TYPE`, `admission_date` AS `ADMISSION_DATE`, `length_of_stay_hours` AS `LENGTH_OF_STAY_HOURS` FROM `ADMISSIONS__topic`;

CREATE VIEW `ADMISSIONS_NAMED` AS
SELECT `ADMISSIONS`.`ADMISSION_ID` AS `ADMISSION_KEY`, `ADMISSIONS`.`ADMISSION_ID` AS `ADMISSION_ID`, `ADMISSIONS`.`PATIENT_ID` AS `PATIENT_ID`, CAST(COALESCE(`ADMISSIONS`.`DEPARTMENT`, 'Unknown') AS STRING) AS `DEPARTMENT`, CAST(COALESCE(`ADMISSIONS`.`ADMISSION_TYPE`, 'Unknown') AS STRING) AS `ADMISSION_TYPE`, `ADMISSIONS`.`ADMISSION_DATE` AS `ADMISSION_DATE`, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS` AS `LENGTH_OF_STAY_HOURS`, TIMESTAMPADD(HOUR, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS`, `ADMISSIONS`.`ADMISSION_DATE`) AS `DISCHARGE_DATE`, (EXTRACT(EPOCH FROM `ADMISSIONS`.`ADMISSION_DATE`) * 1000 + EXTRACT(MILLISECOND FROM `ADMISSIONS`.`ADMISSION_DATE`)) / 3600000 * 3600000 AS `HOUR_MS`, (EXTRACT(EPOCH FROM `ADMISSIONS`.`ADMISSION_DATE`) * 1000 + EXTRACT(MILLISECOND FROM `ADMISSIONS`.`ADMISSION_DATE`)) / 86400000 * 86400000 AS `DAY_MS`, (EXTRACT(EPOCH FROM TIMESTAMPADD(HOUR, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS`, `ADMISSIONS`.`ADMISSION_DATE`)) * 1000 + EXTRACT(MILLISECOND FROM TIMESTAMPADD(HOUR, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS`, `ADMISSIONS`.`ADMISSION_DATE`))) / 3600000 * 3600000 AS `DISCHARGE_HOUR_MS`
FROM `ADMISSIONS` AS `ADMISSIONS`;

CREATE TABLE `ADMISSIONS_NAMED__sink` (
  `__key_ADMISSION_KEY` STRING,
  `ADMISSION_ID` STRING,
  `PATIENT_ID` STRING,
  `DEPARTMENT` STRING,
  `ADMISSION_TYPE` STRING,
  `ADMISSION_DATE` TIMESTAMP(3),
  `LENGTH_OF_STAY_HOURS` INT,
  `DISCHARGE_DATE` TIMESTAMP(3),
  `HOUR_MS` BIGINT,
  `DAY_MS` BIGINT,
  `DISCHARGE_HOUR_MS` BIGINT,
  PRIMARY KEY (`__key_ADMISSION_KEY`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'admissions_named', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.linger.ms' = '5', 'properties.batch.size' = '131072', 'properties.compression.type' = 'lz4', 'key.format' = 'raw', 'value.avro-confluent-or-skip.schema' = '{"type":"record","name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas","fields":[{"name":"ADMISSION_ID","type":["null","string"],"default":null},{"name":"PATIENT_ID","type":["null","string"],"default":null},{"name":"DEPARTMENT","type":["null","string"],"default":null},{"name":"ADMISSION_TYPE","type":["null","string"],"default":null},{"name":"ADMISSION_DATE","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"LENGTH_OF_STAY_HOURS","type":["null","int"],"default":null},{"name":"DISCHARGE_DATE","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"HOUR_MS","type":["null","long"],"default":null},{"name":"DAY_MS","type":["null","long"],"default":null},{"name":"DISCHARGE_HOUR_MS","type":["null","long"],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"}', 'value.avro-confluent-or-skip.subject' = 'admissions_named-value', 'sink.buffer-flush.max-rows' = '2000', 'sink.buffer-flush.interval' = '50ms');

INSERT INTO `ADMISSIONS_NAMED__sink` SELECT `ADMISSION_KEY`, `ADMISSION_ID`, `PATIENT_ID`, `DEPARTMENT`, `ADMISSION_TYPE`, `ADMISSION_DATE`, `LENGTH_OF_STAY_HOURS`, `DISCHARGE_DATE`, `HOUR_MS`, `DAY_MS`, `DISCHARGE_HOUR_MS` FROM `ADMISSIONS_NAMED`;

CREATE TABLE `PATIENTS__topic` (
  `__key_PATIENT_ID` STRING,
  `gender` STRING,
  `race` STRING,
  `birth_date` DATE,
  `insurance` STRING,
  PRIMARY KEY (`__key_PATIENT_ID`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'patients_clean', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.group.id' = 'group-admissions_enriched', 'key.format' = 'text-or-skip');

CREATE VIEW `PATIENTS` AS
SELECT `__key_PATIENT_ID` AS `PATIENT_ID`, `gender` AS `GENDER`, `race` AS `RACE`, `birth_date` AS `BIRTH_DATE`, `insurance` AS `INSURANCE` FROM `PATIENTS__topic`;

CREATE TABLE `ADMISSIONS__topic` (
  `__key_ADMISSION_ID` STRING,
  `patient_id` STRING,
  `department` STRING,
  `admission_type` STRING,
  `admission_date` TIMESTAMP(3),
  PRIMARY KEY (`__key_ADMISSION_ID`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'patient_admissions_clean', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.group.id' = 'group-admissions_enriched', 'key.format' = 'text-or-skip');

CREATE VIEW `ADMISSIONS` AS
SELECT `__key_ADMISSION_ID` AS `ADMISSION_ID`, `patient_id` AS `PATIENT_ID`, `department` AS `DEPARTMENT`, `admission_type` AS `ADMISSION_TYPE`, `admission_date` AS `ADMISSION_DATE` FROM `ADMISSIONS__topic`;

CREATE VIEW `ADMISSIONS_ENRICHED` AS
SELECT `A`.`ADMISSION_ID` AS `ADMISSION_KEY`, `A`.`ADMISSION_ID` AS `ADMISSION_ID`, `A`.`PATIENT_ID` AS `PATIENT_ID`, CAST(COALESCE(`A`.`DEPARTMENT`, 'Unknown') AS STRING) AS `DEPARTMENT`, CAST(COALESCE(`A`.`ADMISSION_TYPE`, 'Unknown') AS STRING) AS `ADMISSION_TYPE`, `A`.`ADMISSION_DATE` AS `ADMISSION_DATE`, CASE WHEN NOT (`P`.`BIRTH_DATE` IS NULL) THEN (TRY_CAST(DATE_FORMAT(CAST(`A`.`ADMISSION_DATE` AS TIMESTAMP(3)), 'yyyyMMdd') AS INTEGER) - TRY_CAST(DATE_FORMAT(CAST(`P`.`BIRTH_DATE` AS TIMESTAMP(3)), 'yyyyMMdd') AS INTEGER)) / 10000 ELSE NULL END AS `AGE_AT_ADMISSION`, CAST(COALESCE(`P`.`GENDER`, 'Unknown') AS STRING) AS `GENDER`, CAST(COALESCE(`P`.`RACE`, 'Unknown') AS STRING) AS `RACE`, CAST(COALESCE(`P`.`INSURANCE`, 'Unknown') AS STRING) AS `INSURANCE`
FROM `ADMISSIONS` AS `A`
LEFT JOIN `PATIENTS` AS `P` ON `A`.`PATIENT_ID` = `P`.`PATIENT_ID`;

CREATE TABLE `ADMISSIONS_ENRICHED__sink` (
  `__key_ADMISSION_KEY` STRING,
  `ADMISSION_ID` STRING,
  `PATIENT_ID` STRING,
  `DEPARTMENT` STRING,
  `ADMISSION_TYPE` STRING,
  `ADMISSION_DATE` TIMESTAMP(3),
  `AGE_AT_ADMISSION` INT,
  `GENDER` STRING,
  `RACE` STRING,
  `INSURANCE` STRING,
  PRIMARY KEY (`__key_ADMISSION_KEY`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'admissions_enriched', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.linger.ms' = '5', 'properties.batch.size' = '131072', 'properties.compression.type' = 'lz4', 'key.format' = 'raw', 'value.avro-confluent-or-skip.schema' = '{"type":"record","name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas","fields":[{"name":"ADMISSION_ID","type":["null","string"],"default":null},{"name":"PATIENT_ID","type":["null","string"],"default":null},{"name":"DEPARTMENT","type":["null","string"],"default":null},{"name":"ADMISSION_TYPE","type":["null","string"],"default":null},{"name":"ADMISSION_DATE","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"AGE_AT_ADMISSION","type":["null","int"],"default":null},{"name":"GENDER","type":["null","string"],"default":null},{"name":"RACE","type":["null","string"],"default":null},{"name":"INSURANCE","type":["null","string"],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"}', 'value.avro-confluent-or-skip.subject' = 'admissions_enriched-value', 'sink.buffer-flush.max-rows' = '2000', 'sink.buffer-flush.interval' = '50ms');

INSERT INTO `ADMISSIONS_ENRICHED__sink` SELECT `ADMISSION_KEY`, `ADMISSION_ID`, `PATIENT_ID`, `DEPARTMENT`, `ADMISSION_TYPE`, `ADMISSION_DATE`, `AGE_AT_ADMISSION`, `GENDER`, `RACE`, `INSURANCE` FROM `ADMISSIONS_ENRICHED`;

CREATE TABLE `PATIENTS__topic` (
  `__key_PATIENT_ID` STRING,
  `gender` STRING,
  `race` STRING,
  `birth_date` DATE,
  `insurance` STRING,
  PRIMARY KEY (`__key_PATIENT_ID`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'patients_clean', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.group.id' = 'group-admissions_by_band', 'key.format' = 'text-or-skip');

CREATE VIEW `PATIENTS` AS
SELECT `__key_PATIENT_ID` AS `PATIENT_ID`, `gender` AS `GENDER`, `race` AS `RACE`, `birth_date` AS `BIRTH_DATE`, `insurance` AS `INSURANCE` FROM `PATIENTS__topic`;

CREATE TABLE `ADMISSIONS__topic` (
  `__key_ADMISSION_ID` STRING,
  `patient_id` STRING,
  `department` STRING,
  `admission_type` STRING,
  `admission_date` TIMESTAMP(3),
  PRIMARY KEY (`__key_ADMISSION_ID`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'patient_admissions_clean', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.group.id' = 'group-admissions_by_band', 'key.format' = 'text-or-skip');

CREATE VIEW `ADMISSIONS` AS
SELECT `__key_ADMISSION_ID` AS `ADMISSION_ID`, `patient_id` AS `PATIENT_ID`, `department` AS `DEPARTMENT`, `admission_type` AS `ADMISSION_TYPE`, `admission_date` AS `ADMISSION_DATE` FROM `ADMISSIONS__topic`;

CREATE VIEW `ADMISSIONS_ENRICHED` AS
SELECT `A`.`ADMISSION_ID` AS `ADMISSION_KEY`, `A`.`ADMISSION_ID` AS `ADMISSION_ID`, `A`.`PATIENT_ID` AS `PATIENT_ID`, CAST(COALESCE(`A`.`DEPARTMENT`, 'Unknown') AS STRING) AS `DEPARTMENT`, CAST(COALESCE(`A`.`ADMISSION_TYPE`, 'Unknown') AS STRING) AS `ADMISSION_TYPE`, `A`.`ADMISSION_DATE` AS `ADMISSION_DATE`, CASE WHEN NOT (`P`.`BIRTH_DATE` IS NULL) THEN (TRY_CAST(DATE_FORMAT(CAST(`A`.`ADMISSION_DATE` AS TIMESTAMP(3)), 'yyyyMMdd') AS INTEGER) - TRY_CAST(DATE_FORMAT(CAST(`P`.`BIRTH_DATE` AS TIMESTAMP(3)), 'yyyyMMdd') AS INTEGER)) / 10000 ELSE NULL END AS `AGE_AT_ADMISSION`, CAST(COALESCE(`P`.`GENDER`, 'Unknown') AS STRING) AS `GENDER`, CAST(COALESCE(`P`.`RACE`, 'Unknown') AS STRING) AS `RACE`, CAST(COALESCE(`P`.`INSURANCE`, 'Unknown') AS STRING) AS `INSURANCE`
FROM `ADMISSIONS` AS `A`
LEFT JOIN `PATIENTS` AS `P` ON `A`.`PATIENT_ID` = `P`.`PATIENT_ID`;

CREATE VIEW `ADMISSIONS_BY_BAND` AS
SELECT `ADMISSIONS_ENRICHED`.`ADMISSION_KEY` AS `ADMISSION_KEY`, CAST(CASE WHEN `ADMISSIONS_ENRICHED`.`AGE_AT_ADMISSION` IS NULL THEN 'Unknown' WHEN ((`ADMISSIONS_ENRICHED`.`AGE_AT_ADMISSION` < 18) IS TRUE) THEN '0-17' WHEN ((`ADMISSIONS_ENRICHED`.`AGE_AT_ADMISSION` < 40) IS TRUE) THEN '18-39' WHEN ((`ADMISSIONS_ENRICHED`.`AGE_AT_ADMISSION` < 65) IS TRUE) THEN '40-64' WHEN ((`ADMISSIONS_ENRICHED`.`AGE_AT_ADMISSION` < 80) IS TRUE) THEN '65-79' ELSE '80+' END AS STRING) AS `AGE_BAND`, `ADMISSIONS_ENRICHED`.`GENDER` AS `GENDER`, (EXTRACT(EPOCH FROM `ADMISSIONS_ENRICHED`.`ADMISSION_DATE`) * 1000 + EXTRACT(MILLISECOND FROM `ADMISSIONS_ENRICHED`.`ADMISSION_DATE`)) / 86400000 * 86400000 AS `DAY_MS`
FROM `ADMISSIONS_ENRICHED` AS `ADMISSIONS_ENRICHED`;

CREATE TABLE `ADMISSIONS_BY_BAND__sink` (
  `__key_ADMISSION_KEY` STRING,
  `AGE_BAND` STRING,
  `GENDER` STRING,
  `DAY_MS` BIGINT,
  PRIMARY KEY (`__key_ADMISSION_KEY`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'admissions_by_band', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.linger.ms' = '5', 'properties.batch.size' = '131072', 'properties.compression.type' = 'lz4', 'key.format' = 'raw', 'value.avro-confluent-or-skip.schema' = '{"type":"record","name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas","fields":[{"name":"AGE_BAND","type":["null","string"],"default":null},{"name":"GENDER","type":["null","string"],"default":null},{"name":"DAY_MS","type":["null","long"],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"}', 'value.avro-confluent-or-skip.subject' = 'admissions_by_band-value', 'sink.buffer-flush.max-rows' = '2000', 'sink.buffer-flush.interval' = '50ms');

INSERT INTO `ADMISSIONS_BY_BAND__sink` SELECT `ADMISSION_KEY`, `AGE_BAND`, `GENDER`, `DAY_MS` FROM `ADMISSIONS_BY_BAND`;

CREATE TABLE `ADMISSIONS__topic` (
  `__key_ADMISSION_ID` STRING,
  `patient_id` STRING,
  `department` STRING,
  `admission_type` STRING,
  `admission_date` TIMESTAMP(3),
  `length_of_stay_hours` INT,
  PRIMARY KEY (`__key_ADMISSION_ID`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'patient_admissions_clean', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.group.id' = 'group-primary_diagnoses', 'key.format' = 'text-or-skip');

CREATE VIEW `ADMISSIONS` AS
SELECT `__key_ADMISSION_ID` AS `ADMISSION_ID`, `patient_id` AS `PATIENT_ID`, `department` AS `DEPARTMENT`, `admission_type` AS `ADMISSION_TYPE`, `admission_date` AS `ADMISSION_DATE`, `length_of_stay_hours` AS `LENGTH_OF_STAY_HOURS` FROM `ADMISSIONS__topic`;

CREATE TABLE `DIAGNOSES__topic` (
  `__key_DIAGNOSIS_ID` STRING,
  `admission_id` STRING,
  `diagnosis_code` STRING,
  `diagnosis_description` STRING,
  `diagnosis_rank` STRING,
  `diagnosed_at` TIMESTAMP(3),
  PRIMARY KEY (`__key_DIAGNOSIS_ID`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'patient_diagnoses_clean', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.group.id' = 'group-primary_diagnoses', 'key.format' = 'text-or-skip');

CREATE VIEW `DIAGNOSES` AS
SELECT `__key_DIAGNOSIS_ID` AS `DIAGNOSIS_ID`, `admission_id` AS `ADMISSION_ID`, `diagnosis_code` AS `DIAGNOSIS_CODE`, `diagnosis_description` AS `DIAGNOSIS_DESCRIPTION`, `diagnosis_rank` AS `DIAGNOSIS_RANK`, `diagnosed_at` AS `DIAGNOSED_AT` FROM `DIAGNOSES__topic`;

CREATE VIEW `ADMISSIONS_NAMED` AS
SELECT `ADMISSIONS`.`ADMISSION_ID` AS `ADMISSION_KEY`, `ADMISSIONS`.`ADMISSION_ID` AS `ADMISSION_ID`, `ADMISSIONS`.`PATIENT_ID` AS `PATIENT_ID`, CAST(COALESCE(`ADMISSIONS`.`DEPARTMENT`, 'Unknown') AS STRING) AS `DEPARTMENT`, CAST(COALESCE(`ADMISSIONS`.`ADMISSION_TYPE`, 'Unknown') AS STRING) AS `ADMISSION_TYPE`, `ADMISSIONS`.`ADMISSION_DATE` AS `ADMISSION_DATE`, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS` AS `LENGTH_OF_STAY_HOURS`, TIMESTAMPADD(HOUR, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS`, `ADMISSIONS`.`ADMISSION_DATE`) AS `DISCHARGE_DATE`, (EXTRACT(EPOCH FROM `ADMISSIONS`.`ADMISSION_DATE`) * 1000 + EXTRACT(MILLISECOND FROM `ADMISSIONS`.`ADMISSION_DATE`)) / 3600000 * 3600000 AS `HOUR_MS`, (EXTRACT(EPOCH FROM `ADMISSIONS`.`ADMISSION_DATE`) * 1000 + EXTRACT(MILLISECOND FROM `ADMISSIONS`.`ADMISSION_DATE`)) / 86400000 * 86400000 AS `DAY_MS`, (EXTRACT(EPOCH FROM TIMESTAMPADD(HOUR, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS`, `ADMISSIONS`.`ADMISSION_DATE`)) * 1000 + EXTRACT(MILLISECOND FROM TIMESTAMPADD(HOUR, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS`, `ADMISSIONS`.`ADMISSION_DATE`))) / 3600000 * 3600000 AS `DISCHARGE_HOUR_MS`
FROM `ADMISSIONS` AS `ADMISSIONS`;

CREATE VIEW `PRIMARY_DIAGNOSES` AS
SELECT `D`.`DIAGNOSIS_ID` AS `DIAGNOSIS_KEY`, `D`.`DIAGNOSIS_ID` AS `DIAGNOSIS_ID`, `D`.`ADMISSION_ID` AS `ADMISSION_ID`, `A`.`PATIENT_ID` AS `PATIENT_ID`, `A`.`DEPARTMENT` AS `DEPARTMENT`, CAST(COALESCE(`D`.`DIAGNOSIS_CODE`, 'Unknown') AS STRING) AS `DIAGNOSIS_CODE`, CAST(COALESCE(`D`.`DIAGNOSIS_DESCRIPTION`, 'Unknown') AS STRING) AS `DIAGNOSIS_DESCRIPTION`, `D`.`DIAGNOSED_AT` AS `DIAGNOSED_AT`, (EXTRACT(EPOCH FROM `D`.`DIAGNOSED_AT`) * 1000 + EXTRACT(MILLISECOND FROM `D`.`DIAGNOSED_AT`)) / 86400000 * 86400000 AS `DAY_MS`
FROM `DIAGNOSES` AS `D`
JOIN `ADMISSIONS_NAMED` AS `A` ON `D`.`ADMISSION_ID` = `A`.`ADMISSION_KEY`
WHERE (((`D`.`DIAGNOSIS_RANK` = 'Primary') IS TRUE));

CREATE TABLE `PRIMARY_DIAGNOSES__sink` (
  `__key_DIAGNOSIS_KEY` STRING,
  `DIAGNOSIS_ID` STRING,
  `ADMISSION_ID` STRING,
  `PATIENT_ID` STRING,
  `DEPARTMENT` STRING,
  `DIAGNOSIS_CODE` STRING,
  `DIAGNOSIS_DESCRIPTION` STRING,
  `DIAGNOSED_AT` TIMESTAMP(3),
  `DAY_MS` BIGINT,
  PRIMARY KEY (`__key_DIAGNOSIS_KEY`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'primary_diagnoses', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.linger.ms' = '5', 'properties.batch.size' = '131072', 'properties.compression.type' = 'lz4', 'key.format' = 'raw', 'value.avro-confluent-or-skip.schema' = '{"type":"record","name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas","fields":[{"name":"DIAGNOSIS_ID","type":["null","string"],"default":null},{"name":"ADMISSION_ID","type":["null","string"],"default":null},{"name":"PATIENT_ID","type":["null","string"],"default":null},{"name":"DEPARTMENT","type":["null","string"],"default":null},{"name":"DIAGNOSIS_CODE","type":["null","string"],"default":null},{"name":"DIAGNOSIS_DESCRIPTION","type":["null","string"],"default":null},{"name":"DIAGNOSED_AT","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"DAY_MS","type":["null","long"],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"}', 'value.avro-confluent-or-skip.subject' = 'primary_diagnoses-value', 'sink.buffer-flush.max-rows' = '2000', 'sink.buffer-flush.interval' = '50ms');

INSERT INTO `PRIMARY_DIAGNOSES__sink` SELECT `DIAGNOSIS_KEY`, `DIAGNOSIS_ID`, `ADMISSION_ID`, `PATIENT_ID`, `DEPARTMENT`, `DIAGNOSIS_CODE`, `DIAGNOSIS_DESCRIPTION`, `DIAGNOSED_AT`, `DAY_MS` FROM `PRIMARY_DIAGNOSES`;

CREATE TABLE `ADMISSIONS__topic` (
  `__key_ADMISSION_ID` STRING,
  `patient_id` STRING,
  `department` STRING,
  `admission_type` STRING,
  `admission_date` TIMESTAMP(3),
  `length_of_stay_hours` INT,
  PRIMARY KEY (`__key_ADMISSION_ID`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'patient_admissions_clean', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.group.id' = 'group-abnormal_labs', 'key.format' = 'text-or-skip');

CREATE VIEW `ADMISSIONS` AS
SELECT `__key_ADMISSION_ID` AS `ADMISSION_ID`, `patient_id` AS `PATIENT_ID`, `department` AS `DEPARTMENT`, `admission_type` AS `ADMISSION_TYPE`, `admission_date` AS `ADMISSION_DATE`, `length_of_stay_hours` AS `LENGTH_OF_STAY_HOURS` FROM `ADMISSIONS__topic`;

CREATE TABLE `LABS__topic` (
  `__key_LAB_ID` STRING,
  `admission_id` STRING,
  `test_code` STRING,
  `test_name` STRING,
  `test_unit` STRING,
  `test_value` DOUBLE,
  `test_reference_low` DOUBLE,
  `test_reference_high` DOUBLE,
  `collected_at` TIMESTAMP(3),
  PRIMARY KEY (`__key_LAB_ID`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'patient_labs_clean', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.group.id' = 'group-abnormal_labs', 'key.format' = 'text-or-skip');

CREATE VIEW `LABS` AS
SELECT `__key_LAB_ID` AS `LAB_ID`, `admission_id` AS `ADMISSION_ID`, `test_code` AS `TEST_CODE`, `test_name` AS `TEST_NAME`, `test_unit` AS `TEST_UNIT`, `test_value` AS `TEST_VALUE`, `test_reference_low` AS `TEST_REFERENCE_LOW`, `test_reference_high` AS `TEST_REFERENCE_HIGH`, `collected_at` AS `COLLECTED_AT` FROM `LABS__topic`;

CREATE VIEW `ADMISSIONS_NAMED` AS
SELECT `ADMISSIONS`.`ADMISSION_ID` AS `ADMISSION_KEY`, `ADMISSIONS`.`ADMISSION_ID` AS `ADMISSION_ID`, `ADMISSIONS`.`PATIENT_ID` AS `PATIENT_ID`, CAST(COALESCE(`ADMISSIONS`.`DEPARTMENT`, 'Unknown') AS STRING) AS `DEPARTMENT`, CAST(COALESCE(`ADMISSIONS`.`ADMISSION_TYPE`, 'Unknown') AS STRING) AS `ADMISSION_TYPE`, `ADMISSIONS`.`ADMISSION_DATE` AS `ADMISSION_DATE`, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS` AS `LENGTH_OF_STAY_HOURS`, TIMESTAMPADD(HOUR, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS`, `ADMISSIONS`.`ADMISSION_DATE`) AS `DISCHARGE_DATE`, (EXTRACT(EPOCH FROM `ADMISSIONS`.`ADMISSION_DATE`) * 1000 + EXTRACT(MILLISECOND FROM `ADMISSIONS`.`ADMISSION_DATE`)) / 3600000 * 3600000 AS `HOUR_MS`, (EXTRACT(EPOCH FROM `ADMISSIONS`.`ADMISSION_DATE`) * 1000 + EXTRACT(MILLISECOND FROM `ADMISSIONS`.`ADMISSION_DATE`)) / 86400000 * 86400000 AS `DAY_MS`, (EXTRACT(EPOCH FROM TIMESTAMPADD(HOUR, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS`, `ADMISSIONS`.`ADMISSION_DATE`)) * 1000 + EXTRACT(MILLISECOND FROM TIMESTAMPADD(HOUR, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS`, `ADMISSIONS`.`ADMISSION_DATE`))) / 3600000 * 3600000 AS `DISCHARGE_HOUR_MS`
FROM `ADMISSIONS` AS `ADMISSIONS`;

CREATE VIEW `ABNORMAL_LABS` AS
SELECT `L`.`LAB_ID` AS `LAB_KEY`, `L`.`LAB_ID` AS `LAB_ID`, `L`.`ADMISSION_ID` AS `ADMISSION_ID`, `A`.`PATIENT_ID` AS `PATIENT_ID`, CAST(COALESCE(`L`.`TEST_CODE`, 'Unknown') AS STRING) AS `TEST_CODE`, CAST(COALESCE(`L`.`TEST_NAME`, 'Unknown') AS STRING) AS `TEST_NAME`, `L`.`TEST_UNIT` AS `TEST_UNIT`, `L`.`TEST_VALUE` AS `TEST_VALUE`, CAST(CASE WHEN ((`L`.`TEST_VALUE` < `L`.`TEST_REFERENCE_LOW`) IS TRUE) THEN 'low' ELSE 'high' END AS STRING) AS `DIRECTION`, CASE WHEN ((`L`.`TEST_VALUE` < `L`.`TEST_REFERENCE_LOW`) IS TRUE) THEN `L`.`TEST_REFERENCE_LOW` - `L`.`TEST_VALUE` ELSE `L`.`TEST_VALUE` - `L`.`TEST_REFERENCE_HIGH` END AS `DEVIATION`, `L`.`COLLECTED_AT` AS `COLLECTED_AT`, (EXTRACT(EPOCH FROM `L`.`COLLECTED_AT`) * 1000 + EXTRACT(MILLISECOND FROM `L`.`COLLECTED_AT`)) / 3600000 * 3600000 AS `HOUR_MS`
FROM `LABS` AS `L`
JOIN `ADMISSIONS_NAMED` AS `A` ON `L`.`ADMISSION_ID` = `A`.`ADMISSION_KEY`
WHERE (((`L`.`TEST_VALUE` < `L`.`TEST_REFERENCE_LOW`) IS TRUE) OR ((`L`.`TEST_VALUE` > `L`.`TEST_REFERENCE_HIGH`) IS TRUE));

CREATE TABLE `ABNORMAL_LABS__sink` (
  `__key_LAB_KEY` STRING,
  `LAB_ID` STRING,
  `ADMISSION_ID` STRING,
  `PATIENT_ID` STRING,
  `TEST_CODE` STRING,
  `TEST_NAME` STRING,
  `TEST_UNIT` STRING,
  `TEST_VALUE` DOUBLE,
  `DIRECTION` STRING,
  `DEVIATION` DOUBLE,
  `COLLECTED_AT` TIMESTAMP(3),
  `HOUR_MS` BIGINT,
  PRIMARY KEY (`__key_LAB_KEY`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'abnormal_labs', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.linger.ms' = '5', 'properties.batch.size' = '131072', 'properties.compression.type' = 'lz4', 'key.format' = 'raw', 'value.avro-confluent-or-skip.schema' = '{"type":"record","name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas","fields":[{"name":"LAB_ID","type":["null","string"],"default":null},{"name":"ADMISSION_ID","type":["null","string"],"default":null},{"name":"PATIENT_ID","type":["null","string"],"default":null},{"name":"TEST_CODE","type":["null","string"],"default":null},{"name":"TEST_NAME","type":["null","string"],"default":null},{"name":"TEST_UNIT","type":["null","string"],"default":null},{"name":"TEST_VALUE","type":["null","double"],"default":null},{"name":"DIRECTION","type":["null","string"],"default":null},{"name":"DEVIATION","type":["null","double"],"default":null},{"name":"COLLECTED_AT","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"HOUR_MS","type":["null","long"],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"}', 'value.avro-confluent-or-skip.subject' = 'abnormal_labs-value', 'sink.buffer-flush.max-rows' = '2000', 'sink.buffer-flush.interval' = '50ms');

INSERT INTO `ABNORMAL_LABS__sink` SELECT `LAB_KEY`, `LAB_ID`, `ADMISSION_ID`, `PATIENT_ID`, `TEST_CODE`, `TEST_NAME`, `TEST_UNIT`, `TEST_VALUE`, `DIRECTION`, `DEVIATION`, `COLLECTED_AT`, `HOUR_MS` FROM `ABNORMAL_LABS`;

CREATE TABLE `ADMISSIONS__topic` (
  `__key_ADMISSION_ID` STRING,
  `patient_id` STRING,
  `department` STRING,
  `admission_type` STRING,
  `admission_date` TIMESTAMP(3),
  `length_of_stay_hours` INT,
  PRIMARY KEY (`__key_ADMISSION_ID`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'patient_admissions_clean', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.group.id' = 'group-admissions_hourly', 'key.format' = 'text-or-skip');

CREATE VIEW `ADMISSIONS` AS
SELECT `__key_ADMISSION_ID` AS `ADMISSION_ID`, `patient_id` AS `PATIENT_ID`, `department` AS `DEPARTMENT`, `admission_type` AS `ADMISSION_TYPE`, `admission_date` AS `ADMISSION_DATE`, `length_of_stay_hours` AS `LENGTH_OF_STAY_HOURS` FROM `ADMISSIONS__topic`;

CREATE VIEW `ADMISSIONS_NAMED` AS
SELECT `ADMISSIONS`.`ADMISSION_ID` AS `ADMISSION_KEY`, `ADMISSIONS`.`ADMISSION_ID` AS `ADMISSION_ID`, `ADMISSIONS`.`PATIENT_ID` AS `PATIENT_ID`, CAST(COALESCE(`ADMISSIONS`.`DEPARTMENT`, 'Unknown') AS STRING) AS `DEPARTMENT`, CAST(COALESCE(`ADMISSIONS`.`ADMISSION_TYPE`, 'Unknown') AS STRING) AS `ADMISSION_TYPE`, `ADMISSIONS`.`ADMISSION_DATE` AS `ADMISSION_DATE`, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS` AS `LENGTH_OF_STAY_HOURS`, TIMESTAMPADD(HOUR, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS`, `ADMISSIONS`.`ADMISSION_DATE`) AS `DISCHARGE_DATE`, (EXTRACT(EPOCH FROM `ADMISSIONS`.`ADMISSION_DATE`) * 1000 + EXTRACT(MILLISECOND FROM `ADMISSIONS`.`ADMISSION_DATE`)) / 3600000 * 3600000 AS `HOUR_MS`, (EXTRACT(EPOCH FROM `ADMISSIONS`.`ADMISSION_DATE`) * 1000 + EXTRACT(MILLISECOND FROM `ADMISSIONS`.`ADMISSION_DATE`)) / 86400000 * 86400000 AS `DAY_MS`, (EXTRACT(EPOCH FROM TIMESTAMPADD(HOUR, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS`, `ADMISSIONS`.`ADMISSION_DATE`)) * 1000 + EXTRACT(MILLISECOND FROM TIMESTAMPADD(HOUR, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS`, `ADMISSIONS`.`ADMISSION_DATE`))) / 3600000 * 3600000 AS `DISCHARGE_HOUR_MS`
FROM `ADMISSIONS` AS `ADMISSIONS`;

CREATE VIEW `ADMISSIONS_HOURLY` AS
SELECT `ADMISSIONS_NAMED`.`DEPARTMENT` AS `DEPARTMENT_KEY`, `ADMISSIONS_NAMED`.`ADMISSION_TYPE` AS `ADMISSION_TYPE_KEY`, `ADMISSIONS_NAMED`.`HOUR_MS` AS `HOUR_KEY`, `ADMISSIONS_NAMED`.`DEPARTMENT` AS `DEPARTMENT`, `ADMISSIONS_NAMED`.`ADMISSION_TYPE` AS `ADMISSION_TYPE`, CAST(TO_TIMESTAMP_LTZ(`ADMISSIONS_NAMED`.`HOUR_MS`, 3) AS TIMESTAMP(3)) AS `WINDOW_START`, CAST(TO_TIMESTAMP_LTZ(`ADMISSIONS_NAMED`.`HOUR_MS` + 3600000, 3) AS TIMESTAMP(3)) AS `WINDOW_END`, SUM(CAST(`__weight` AS BIGINT)) AS `ADMISSIONS`
FROM (SELECT *, CASE WHEN `op` IN ('INSERT', 'UPDATE_AFTER') THEN 1 ELSE -1 END AS `__weight` FROM TO_CHANGELOG(input => TABLE `ADMISSIONS_NAMED`)) AS `ADMISSIONS_NAMED`
WHERE `ADMISSIONS_NAMED`.`DEPARTMENT` IS NOT NULL AND `ADMISSIONS_NAMED`.`ADMISSION_TYPE` IS NOT NULL AND `ADMISSIONS_NAMED`.`HOUR_MS` IS NOT NULL
GROUP BY `ADMISSIONS_NAMED`.`DEPARTMENT`, `ADMISSIONS_NAMED`.`ADMISSION_TYPE`, `ADMISSIONS_NAMED`.`HOUR_MS`;

CREATE TABLE `ADMISSIONS_HOURLY__sink` (
  `__key_DEPARTMENT_KEY` STRING,
  `__key_ADMISSION_TYPE_KEY` STRING,
  `__key_HOUR_KEY` BIGINT,
  `DEPARTMENT` STRING,
  `ADMISSION_TYPE` STRING,
  `WINDOW_START` TIMESTAMP(3),
  `WINDOW_END` TIMESTAMP(3),
  `ADMISSIONS` BIGINT,
  PRIMARY KEY (`__key_DEPARTMENT_KEY`, `__key_ADMISSION_TYPE_KEY`, `__key_HOUR_KEY`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'admissions_hourly', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.linger.ms' = '5', 'properties.batch.size' = '131072', 'properties.compression.type' = 'lz4', 'key.format' = 'csv', 'value.avro-confluent-or-skip.schema' = '{"type":"record","name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas","fields":[{"name":"DEPARTMENT","type":["null","string"],"default":null},{"name":"ADMISSION_TYPE","type":["null","string"],"default":null},{"name":"WINDOW_START","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"WINDOW_END","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"ADMISSIONS","type":["null","long"],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"}', 'value.avro-confluent-or-skip.subject' = 'admissions_hourly-value', 'sink.buffer-flush.max-rows' = '2000', 'sink.buffer-flush.interval' = '50ms');

INSERT INTO `ADMISSIONS_HOURLY__sink` SELECT `DEPARTMENT_KEY`, `ADMISSION_TYPE_KEY`, `HOUR_KEY`, `DEPARTMENT`, `ADMISSION_TYPE`, `WINDOW_START`, `WINDOW_END`, `ADMISSIONS` FROM `ADMISSIONS_HOURLY`;

CREATE TABLE `ADMISSIONS__topic` (
  `__key_ADMISSION_ID` STRING,
  `patient_id` STRING,
  `department` STRING,
  `admission_type` STRING,
  `admission_date` TIMESTAMP(3),
  `length_of_stay_hours` INT,
  PRIMARY KEY (`__key_ADMISSION_ID`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'patient_admissions_clean', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.group.id' = 'group-discharges_hourly', 'key.format' = 'text-or-skip');

CREATE VIEW `ADMISSIONS` AS
SELECT `__key_ADMISSION_ID` AS `ADMISSION_ID`, `patient_id` AS `PATIENT_ID`, `department` AS `DEPARTMENT`, `admission_type` AS `ADMISSION_TYPE`, `admission_date` AS `ADMISSION_DATE`, `length_of_stay_hours` AS `LENGTH_OF_STAY_HOURS` FROM `ADMISSIONS__topic`;

CREATE VIEW `ADMISSIONS_NAMED` AS
SELECT `ADMISSIONS`.`ADMISSION_ID` AS `ADMISSION_KEY`, `ADMISSIONS`.`ADMISSION_ID` AS `ADMISSION_ID`, `ADMISSIONS`.`PATIENT_ID` AS `PATIENT_ID`, CAST(COALESCE(`ADMISSIONS`.`DEPARTMENT`, 'Unknown') AS STRING) AS `DEPARTMENT`, CAST(COALESCE(`ADMISSIONS`.`ADMISSION_TYPE`, 'Unknown') AS STRING) AS `ADMISSION_TYPE`, `ADMISSIONS`.`ADMISSION_DATE` AS `ADMISSION_DATE`, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS` AS `LENGTH_OF_STAY_HOURS`, TIMESTAMPADD(HOUR, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS`, `ADMISSIONS`.`ADMISSION_DATE`) AS `DISCHARGE_DATE`, (EXTRACT(EPOCH FROM `ADMISSIONS`.`ADMISSION_DATE`) * 1000 + EXTRACT(MILLISECOND FROM `ADMISSIONS`.`ADMISSION_DATE`)) / 3600000 * 3600000 AS `HOUR_MS`, (EXTRACT(EPOCH FROM `ADMISSIONS`.`ADMISSION_DATE`) * 1000 + EXTRACT(MILLISECOND FROM `ADMISSIONS`.`ADMISSION_DATE`)) / 86400000 * 86400000 AS `DAY_MS`, (EXTRACT(EPOCH FROM TIMESTAMPADD(HOUR, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS`, `ADMISSIONS`.`ADMISSION_DATE`)) * 1000 + EXTRACT(MILLISECOND FROM TIMESTAMPADD(HOUR, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS`, `ADMISSIONS`.`ADMISSION_DATE`))) / 3600000 * 3600000 AS `DISCHARGE_HOUR_MS`
FROM `ADMISSIONS` AS `ADMISSIONS`;

CREATE VIEW `DISCHARGES_HOURLY` AS
SELECT `ADMISSIONS_NAMED`.`DEPARTMENT` AS `DEPARTMENT_KEY`, `ADMISSIONS_NAMED`.`DISCHARGE_HOUR_MS` AS `HOUR_KEY`, `ADMISSIONS_NAMED`.`DEPARTMENT` AS `DEPARTMENT`, CAST(TO_TIMESTAMP_LTZ(`ADMISSIONS_NAMED`.`DISCHARGE_HOUR_MS`, 3) AS TIMESTAMP(3)) AS `WINDOW_START`, CAST(TO_TIMESTAMP_LTZ(`ADMISSIONS_NAMED`.`DISCHARGE_HOUR_MS` + 3600000, 3) AS TIMESTAMP(3)) AS `WINDOW_END`, SUM(CAST(`__weight` AS BIGINT)) AS `DISCHARGES`
FROM (SELECT *, CASE WHEN `op` IN ('INSERT', 'UPDATE_AFTER') THEN 1 ELSE -1 END AS `__weight` FROM TO_CHANGELOG(input => TABLE `ADMISSIONS_NAMED`)) AS `ADMISSIONS_NAMED`
WHERE `ADMISSIONS_NAMED`.`DEPARTMENT` IS NOT NULL AND `ADMISSIONS_NAMED`.`DISCHARGE_HOUR_MS` IS NOT NULL
GROUP BY `ADMISSIONS_NAMED`.`DEPARTMENT`, `ADMISSIONS_NAMED`.`DISCHARGE_HOUR_MS`;

CREATE TABLE `DISCHARGES_HOURLY__sink` (
  `__key_DEPARTMENT_KEY` STRING,
  `__key_HOUR_KEY` BIGINT,
  `DEPARTMENT` STRING,
  `WINDOW_START` TIMESTAMP(3),
  `WINDOW_END` TIMESTAMP(3),
  `DISCHARGES` BIGINT,
  PRIMARY KEY (`__key_DEPARTMENT_KEY`, `__key_HOUR_KEY`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'discharges_hourly', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.linger.ms' = '5', 'properties.batch.size' = '131072', 'properties.compression.type' = 'lz4', 'key.format' = 'csv', 'value.avro-confluent-or-skip.schema' = '{"type":"record","name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas","fields":[{"name":"DEPARTMENT","type":["null","string"],"default":null},{"name":"WINDOW_START","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"WINDOW_END","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"DISCHARGES","type":["null","long"],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"}', 'value.avro-confluent-or-skip.subject' = 'discharges_hourly-value', 'sink.buffer-flush.max-rows' = '2000', 'sink.buffer-flush.interval' = '50ms');

INSERT INTO `DISCHARGES_HOURLY__sink` SELECT `DEPARTMENT_KEY`, `HOUR_KEY`, `DEPARTMENT`, `WINDOW_START`, `WINDOW_END`, `DISCHARGES` FROM `DISCHARGES_HOURLY`;

CREATE TABLE `ADMISSIONS__topic` (
  `__key_ADMISSION_ID` STRING,
  `patient_id` STRING,
  `department` STRING,
  `admission_type` STRING,
  `admission_date` TIMESTAMP(3),
  `length_of_stay_hours` INT,
  PRIMARY KEY (`__key_ADMISSION_ID`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'patient_admissions_clean', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.group.id' = 'group-length_of_stay_daily', 'key.format' = 'text-or-skip');

CREATE VIEW `ADMISSIONS` AS
SELECT `__key_ADMISSION_ID` AS `ADMISSION_ID`, `patient_id` AS `PATIENT_ID`, `department` AS `DEPARTMENT`, `admission_type` AS `ADMISSION_TYPE`, `admission_date` AS `ADMISSION_DATE`, `length_of_stay_hours` AS `LENGTH_OF_STAY_HOURS` FROM `ADMISSIONS__topic`;

CREATE VIEW `ADMISSIONS_NAMED` AS
SELECT `ADMISSIONS`.`ADMISSION_ID` AS `ADMISSION_KEY`, `ADMISSIONS`.`ADMISSION_ID` AS `ADMISSION_ID`, `ADMISSIONS`.`PATIENT_ID` AS `PATIENT_ID`, CAST(COALESCE(`ADMISSIONS`.`DEPARTMENT`, 'Unknown') AS STRING) AS `DEPARTMENT`, CAST(COALESCE(`ADMISSIONS`.`ADMISSION_TYPE`, 'Unknown') AS STRING) AS `ADMISSION_TYPE`, `ADMISSIONS`.`ADMISSION_DATE` AS `ADMISSION_DATE`, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS` AS `LENGTH_OF_STAY_HOURS`, TIMESTAMPADD(HOUR, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS`, `ADMISSIONS`.`ADMISSION_DATE`) AS `DISCHARGE_DATE`, (EXTRACT(EPOCH FROM `ADMISSIONS`.`ADMISSION_DATE`) * 1000 + EXTRACT(MILLISECOND FROM `ADMISSIONS`.`ADMISSION_DATE`)) / 3600000 * 3600000 AS `HOUR_MS`, (EXTRACT(EPOCH FROM `ADMISSIONS`.`ADMISSION_DATE`) * 1000 + EXTRACT(MILLISECOND FROM `ADMISSIONS`.`ADMISSION_DATE`)) / 86400000 * 86400000 AS `DAY_MS`, (EXTRACT(EPOCH FROM TIMESTAMPADD(HOUR, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS`, `ADMISSIONS`.`ADMISSION_DATE`)) * 1000 + EXTRACT(MILLISECOND FROM TIMESTAMPADD(HOUR, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS`, `ADMISSIONS`.`ADMISSION_DATE`))) / 3600000 * 3600000 AS `DISCHARGE_HOUR_MS`
FROM `ADMISSIONS` AS `ADMISSIONS`;

CREATE VIEW `LENGTH_OF_STAY_DAILY` AS
SELECT `ADMISSIONS_NAMED`.`DEPARTMENT` AS `DEPARTMENT_KEY`, `ADMISSIONS_NAMED`.`DAY_MS` AS `DAY_KEY`, `ADMISSIONS_NAMED`.`DEPARTMENT` AS `DEPARTMENT`, CAST(TO_TIMESTAMP_LTZ(`ADMISSIONS_NAMED`.`DAY_MS`, 3) AS TIMESTAMP(3)) AS `WINDOW_START`, CAST(TO_TIMESTAMP_LTZ(`ADMISSIONS_NAMED`.`DAY_MS` + 86400000, 3) AS TIMESTAMP(3)) AS `WINDOW_END`, SUM(CAST(`__weight` AS BIGINT)) AS `ADMISSIONS`, COALESCE(SUM(CAST(`ADMISSIONS_NAMED`.`LENGTH_OF_STAY_HOURS` AS DOUBLE) * `__weight`) / NULLIF(SUM(CASE WHEN `ADMISSIONS_NAMED`.`LENGTH_OF_STAY_HOURS` IS NULL THEN 0 ELSE CAST(`__weight` AS BIGINT) END), 0), 0E0) AS `AVERAGE_HOURS`
FROM (SELECT *, CASE WHEN `op` IN ('INSERT', 'UPDATE_AFTER') THEN 1 ELSE -1 END AS `__weight` FROM TO_CHANGELOG(input => TABLE `ADMISSIONS_NAMED`)) AS `ADMISSIONS_NAMED`
WHERE `ADMISSIONS_NAMED`.`DEPARTMENT` IS NOT NULL AND `ADMISSIONS_NAMED`.`DAY_MS` IS NOT NULL
GROUP BY `ADMISSIONS_NAMED`.`DEPARTMENT`, `ADMISSIONS_NAMED`.`DAY_MS`;

CREATE TABLE `LENGTH_OF_STAY_DAILY__sink` (
  `__key_DEPARTMENT_KEY` STRING,
  `__key_DAY_KEY` BIGINT,
  `DEPARTMENT` STRING,
  `WINDOW_START` TIMESTAMP(3),
  `WINDOW_END` TIMESTAMP(3),
  `ADMISSIONS` BIGINT,
  `AVERAGE_HOURS` DOUBLE,
  PRIMARY KEY (`__key_DEPARTMENT_KEY`, `__key_DAY_KEY`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'length_of_stay_daily', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.linger.ms' = '5', 'properties.batch.size' = '131072', 'properties.compression.type' = 'lz4', 'key.format' = 'csv', 'value.avro-confluent-or-skip.schema' = '{"type":"record","name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas","fields":[{"name":"DEPARTMENT","type":["null","string"],"default":null},{"name":"WINDOW_START","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"WINDOW_END","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"ADMISSIONS","type":["null","long"],"default":null},{"name":"AVERAGE_HOURS","type":["null","double"],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"}', 'value.avro-confluent-or-skip.subject' = 'length_of_stay_daily-value', 'sink.buffer-flush.max-rows' = '2000', 'sink.buffer-flush.interval' = '50ms');

INSERT INTO `LENGTH_OF_STAY_DAILY__sink` SELECT `DEPARTMENT_KEY`, `DAY_KEY`, `DEPARTMENT`, `WINDOW_START`, `WINDOW_END`, `ADMISSIONS`, `AVERAGE_HOURS` FROM `LENGTH_OF_STAY_DAILY`;

CREATE TABLE `ADMISSIONS__topic` (
  `__key_ADMISSION_ID` STRING,
  `patient_id` STRING,
  `department` STRING,
  `admission_type` STRING,
  `admission_date` TIMESTAMP(3),
  `length_of_stay_hours` INT,
  PRIMARY KEY (`__key_ADMISSION_ID`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'patient_admissions_clean', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.group.id' = 'group-diagnoses_daily', 'key.format' = 'text-or-skip');

CREATE VIEW `ADMISSIONS` AS
SELECT `__key_ADMISSION_ID` AS `ADMISSION_ID`, `patient_id` AS `PATIENT_ID`, `department` AS `DEPARTMENT`, `admission_type` AS `ADMISSION_TYPE`, `admission_date` AS `ADMISSION_DATE`, `length_of_stay_hours` AS `LENGTH_OF_STAY_HOURS` FROM `ADMISSIONS__topic`;

CREATE TABLE `DIAGNOSES__topic` (
  `__key_DIAGNOSIS_ID` STRING,
  `admission_id` STRING,
  `diagnosis_code` STRING,
  `diagnosis_description` STRING,
  `diagnosis_rank` STRING,
  `diagnosed_at` TIMESTAMP(3),
  PRIMARY KEY (`__key_DIAGNOSIS_ID`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'patient_diagnoses_clean', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.group.id' = 'group-diagnoses_daily', 'key.format' = 'text-or-skip');

CREATE VIEW `DIAGNOSES` AS
SELECT `__key_DIAGNOSIS_ID` AS `DIAGNOSIS_ID`, `admission_id` AS `ADMISSION_ID`, `diagnosis_code` AS `DIAGNOSIS_CODE`, `diagnosis_description` AS `DIAGNOSIS_DESCRIPTION`, `diagnosis_rank` AS `DIAGNOSIS_RANK`, `diagnosed_at` AS `DIAGNOSED_AT` FROM `DIAGNOSES__topic`;

CREATE VIEW `ADMISSIONS_NAMED` AS
SELECT `ADMISSIONS`.`ADMISSION_ID` AS `ADMISSION_KEY`, `ADMISSIONS`.`ADMISSION_ID` AS `ADMISSION_ID`, `ADMISSIONS`.`PATIENT_ID` AS `PATIENT_ID`, CAST(COALESCE(`ADMISSIONS`.`DEPARTMENT`, 'Unknown') AS STRING) AS `DEPARTMENT`, CAST(COALESCE(`ADMISSIONS`.`ADMISSION_TYPE`, 'Unknown') AS STRING) AS `ADMISSION_TYPE`, `ADMISSIONS`.`ADMISSION_DATE` AS `ADMISSION_DATE`, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS` AS `LENGTH_OF_STAY_HOURS`, TIMESTAMPADD(HOUR, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS`, `ADMISSIONS`.`ADMISSION_DATE`) AS `DISCHARGE_DATE`, (EXTRACT(EPOCH FROM `ADMISSIONS`.`ADMISSION_DATE`) * 1000 + EXTRACT(MILLISECOND FROM `ADMISSIONS`.`ADMISSION_DATE`)) / 3600000 * 3600000 AS `HOUR_MS`, (EXTRACT(EPOCH FROM `ADMISSIONS`.`ADMISSION_DATE`) * 1000 + EXTRACT(MILLISECOND FROM `ADMISSIONS`.`ADMISSION_DATE`)) / 86400000 * 86400000 AS `DAY_MS`, (EXTRACT(EPOCH FROM TIMESTAMPADD(HOUR, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS`, `ADMISSIONS`.`ADMISSION_DATE`)) * 1000 + EXTRACT(MILLISECOND FROM TIMESTAMPADD(HOUR, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS`, `ADMISSIONS`.`ADMISSION_DATE`))) / 3600000 * 3600000 AS `DISCHARGE_HOUR_MS`
FROM `ADMISSIONS` AS `ADMISSIONS`;

CREATE VIEW `PRIMARY_DIAGNOSES` AS
SELECT `D`.`DIAGNOSIS_ID` AS `DIAGNOSIS_KEY`, `D`.`DIAGNOSIS_ID` AS `DIAGNOSIS_ID`, `D`.`ADMISSION_ID` AS `ADMISSION_ID`, `A`.`PATIENT_ID` AS `PATIENT_ID`, `A`.`DEPARTMENT` AS `DEPARTMENT`, CAST(COALESCE(`D`.`DIAGNOSIS_CODE`, 'Unknown') AS STRING) AS `DIAGNOSIS_CODE`, CAST(COALESCE(`D`.`DIAGNOSIS_DESCRIPTION`, 'Unknown') AS STRING) AS `DIAGNOSIS_DESCRIPTION`, `D`.`DIAGNOSED_AT` AS `DIAGNOSED_AT`, (EXTRACT(EPOCH FROM `D`.`DIAGNOSED_AT`) * 1000 + EXTRACT(MILLISECOND FROM `D`.`DIAGNOSED_AT`)) / 86400000 * 86400000 AS `DAY_MS`
FROM `DIAGNOSES` AS `D`
JOIN `ADMISSIONS_NAMED` AS `A` ON `D`.`ADMISSION_ID` = `A`.`ADMISSION_KEY`
WHERE (((`D`.`DIAGNOSIS_RANK` = 'Primary') IS TRUE));

CREATE VIEW `DIAGNOSES_DAILY` AS
SELECT `PRIMARY_DIAGNOSES`.`DIAGNOSIS_CODE` AS `DIAGNOSIS_CODE_KEY`, `PRIMARY_DIAGNOSES`.`DIAGNOSIS_DESCRIPTION` AS `DIAGNOSIS_DESCRIPTION_KEY`, `PRIMARY_DIAGNOSES`.`DAY_MS` AS `DAY_KEY`, `PRIMARY_DIAGNOSES`.`DIAGNOSIS_CODE` AS `DIAGNOSIS_CODE`, `PRIMARY_DIAGNOSES`.`DIAGNOSIS_DESCRIPTION` AS `DIAGNOSIS_DESCRIPTION`, CAST(TO_TIMESTAMP_LTZ(`PRIMARY_DIAGNOSES`.`DAY_MS`, 3) AS TIMESTAMP(3)) AS `WINDOW_START`, CAST(TO_TIMESTAMP_LTZ(`PRIMARY_DIAGNOSES`.`DAY_MS` + 86400000, 3) AS TIMESTAMP(3)) AS `WINDOW_END`, SUM(CAST(`__weight` AS BIGINT)) AS `DIAGNOSES`
FROM (SELECT *, CASE WHEN `op` IN ('INSERT', 'UPDATE_AFTER') THEN 1 ELSE -1 END AS `__weight` FROM TO_CHANGELOG(input => TABLE `PRIMARY_DIAGNOSES`)) AS `PRIMARY_DIAGNOSES`
WHERE `PRIMARY_DIAGNOSES`.`DIAGNOSIS_CODE` IS NOT NULL AND `PRIMARY_DIAGNOSES`.`DIAGNOSIS_DESCRIPTION` IS NOT NULL AND `PRIMARY_DIAGNOSES`.`DAY_MS` IS NOT NULL
GROUP BY `PRIMARY_DIAGNOSES`.`DIAGNOSIS_CODE`, `PRIMARY_DIAGNOSES`.`DIAGNOSIS_DESCRIPTION`, `PRIMARY_DIAGNOSES`.`DAY_MS`;

CREATE TABLE `DIAGNOSES_DAILY__sink` (
  `__key_DIAGNOSIS_CODE_KEY` STRING,
  `__key_DIAGNOSIS_DESCRIPTION_KEY` STRING,
  `__key_DAY_KEY` BIGINT,
  `DIAGNOSIS_CODE` STRING,
  `DIAGNOSIS_DESCRIPTION` STRING,
  `WINDOW_START` TIMESTAMP(3),
  `WINDOW_END` TIMESTAMP(3),
  `DIAGNOSES` BIGINT,
  PRIMARY KEY (`__key_DIAGNOSIS_CODE_KEY`, `__key_DIAGNOSIS_DESCRIPTION_KEY`, `__key_DAY_KEY`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'diagnoses_daily', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.linger.ms' = '5', 'properties.batch.size' = '131072', 'properties.compression.type' = 'lz4', 'key.format' = 'csv', 'value.avro-confluent-or-skip.schema' = '{"type":"record","name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas","fields":[{"name":"DIAGNOSIS_CODE","type":["null","string"],"default":null},{"name":"DIAGNOSIS_DESCRIPTION","type":["null","string"],"default":null},{"name":"WINDOW_START","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"WINDOW_END","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"DIAGNOSES","type":["null","long"],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"}', 'value.avro-confluent-or-skip.subject' = 'diagnoses_daily-value', 'sink.buffer-flush.max-rows' = '2000', 'sink.buffer-flush.interval' = '50ms');

INSERT INTO `DIAGNOSES_DAILY__sink` SELECT `DIAGNOSIS_CODE_KEY`, `DIAGNOSIS_DESCRIPTION_KEY`, `DAY_KEY`, `DIAGNOSIS_CODE`, `DIAGNOSIS_DESCRIPTION`, `WINDOW_START`, `WINDOW_END`, `DIAGNOSES` FROM `DIAGNOSES_DAILY`;

CREATE TABLE `ADMISSIONS__topic` (
  `__key_ADMISSION_ID` STRING,
  `patient_id` STRING,
  `department` STRING,
  `admission_type` STRING,
  `admission_date` TIMESTAMP(3),
  `length_of_stay_hours` INT,
  PRIMARY KEY (`__key_ADMISSION_ID`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'patient_admissions_clean', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.group.id' = 'group-abnormal_labs_hourly', 'key.format' = 'text-or-skip');

CREATE VIEW `ADMISSIONS` AS
SELECT `__key_ADMISSION_ID` AS `ADMISSION_ID`, `patient_id` AS `PATIENT_ID`, `department` AS `DEPARTMENT`, `admission_type` AS `ADMISSION_TYPE`, `admission_date` AS `ADMISSION_DATE`, `length_of_stay_hours` AS `LENGTH_OF_STAY_HOURS` FROM `ADMISSIONS__topic`;

CREATE TABLE `LABS__topic` (
  `__key_LAB_ID` STRING,
  `admission_id` STRING,
  `test_code` STRING,
  `test_name` STRING,
  `test_unit` STRING,
  `test_value` DOUBLE,
  `test_reference_low` DOUBLE,
  `test_reference_high` DOUBLE,
  `collected_at` TIMESTAMP(3),
  PRIMARY KEY (`__key_LAB_ID`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'patient_labs_clean', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.group.id' = 'group-abnormal_labs_hourly', 'key.format' = 'text-or-skip');

CREATE VIEW `LABS` AS
SELECT `__key_LAB_ID` AS `LAB_ID`, `admission_id` AS `ADMISSION_ID`, `test_code` AS `TEST_CODE`, `test_name` AS `TEST_NAME`, `test_unit` AS `TEST_UNIT`, `test_value` AS `TEST_VALUE`, `test_reference_low` AS `TEST_REFERENCE_LOW`, `test_reference_high` AS `TEST_REFERENCE_HIGH`, `collected_at` AS `COLLECTED_AT` FROM `LABS__topic`;

CREATE VIEW `ADMISSIONS_NAMED` AS
SELECT `ADMISSIONS`.`ADMISSION_ID` AS `ADMISSION_KEY`, `ADMISSIONS`.`ADMISSION_ID` AS `ADMISSION_ID`, `ADMISSIONS`.`PATIENT_ID` AS `PATIENT_ID`, CAST(COALESCE(`ADMISSIONS`.`DEPARTMENT`, 'Unknown') AS STRING) AS `DEPARTMENT`, CAST(COALESCE(`ADMISSIONS`.`ADMISSION_TYPE`, 'Unknown') AS STRING) AS `ADMISSION_TYPE`, `ADMISSIONS`.`ADMISSION_DATE` AS `ADMISSION_DATE`, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS` AS `LENGTH_OF_STAY_HOURS`, TIMESTAMPADD(HOUR, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS`, `ADMISSIONS`.`ADMISSION_DATE`) AS `DISCHARGE_DATE`, (EXTRACT(EPOCH FROM `ADMISSIONS`.`ADMISSION_DATE`) * 1000 + EXTRACT(MILLISECOND FROM `ADMISSIONS`.`ADMISSION_DATE`)) / 3600000 * 3600000 AS `HOUR_MS`, (EXTRACT(EPOCH FROM `ADMISSIONS`.`ADMISSION_DATE`) * 1000 + EXTRACT(MILLISECOND FROM `ADMISSIONS`.`ADMISSION_DATE`)) / 86400000 * 86400000 AS `DAY_MS`, (EXTRACT(EPOCH FROM TIMESTAMPADD(HOUR, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS`, `ADMISSIONS`.`ADMISSION_DATE`)) * 1000 + EXTRACT(MILLISECOND FROM TIMESTAMPADD(HOUR, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS`, `ADMISSIONS`.`ADMISSION_DATE`))) / 3600000 * 3600000 AS `DISCHARGE_HOUR_MS`
FROM `ADMISSIONS` AS `ADMISSIONS`;

CREATE VIEW `ABNORMAL_LABS` AS
SELECT `L`.`LAB_ID` AS `LAB_KEY`, `L`.`LAB_ID` AS `LAB_ID`, `L`.`ADMISSION_ID` AS `ADMISSION_ID`, `A`.`PATIENT_ID` AS `PATIENT_ID`, CAST(COALESCE(`L`.`TEST_CODE`, 'Unknown') AS STRING) AS `TEST_CODE`, CAST(COALESCE(`L`.`TEST_NAME`, 'Unknown') AS STRING) AS `TEST_NAME`, `L`.`TEST_UNIT` AS `TEST_UNIT`, `L`.`TEST_VALUE` AS `TEST_VALUE`, CAST(CASE WHEN ((`L`.`TEST_VALUE` < `L`.`TEST_REFERENCE_LOW`) IS TRUE) THEN 'low' ELSE 'high' END AS STRING) AS `DIRECTION`, CASE WHEN ((`L`.`TEST_VALUE` < `L`.`TEST_REFERENCE_LOW`) IS TRUE) THEN `L`.`TEST_REFERENCE_LOW` - `L`.`TEST_VALUE` ELSE `L`.`TEST_VALUE` - `L`.`TEST_REFERENCE_HIGH` END AS `DEVIATION`, `L`.`COLLECTED_AT` AS `COLLECTED_AT`, (EXTRACT(EPOCH FROM `L`.`COLLECTED_AT`) * 1000 + EXTRACT(MILLISECOND FROM `L`.`COLLECTED_AT`)) / 3600000 * 3600000 AS `HOUR_MS`
FROM `LABS` AS `L`
JOIN `ADMISSIONS_NAMED` AS `A` ON `L`.`ADMISSION_ID` = `A`.`ADMISSION_KEY`
WHERE (((`L`.`TEST_VALUE` < `L`.`TEST_REFERENCE_LOW`) IS TRUE) OR ((`L`.`TEST_VALUE` > `L`.`TEST_REFERENCE_HIGH`) IS TRUE));

CREATE VIEW `ABNORMAL_LABS_HOURLY` AS
SELECT `ABNORMAL_LABS`.`TEST_CODE` AS `TEST_CODE_KEY`, `ABNORMAL_LABS`.`TEST_NAME` AS `TEST_NAME_KEY`, `ABNORMAL_LABS`.`HOUR_MS` AS `HOUR_KEY`, `ABNORMAL_LABS`.`TEST_CODE` AS `TEST_CODE`, `ABNORMAL_LABS`.`TEST_NAME` AS `TEST_NAME`, CAST(TO_TIMESTAMP_LTZ(`ABNORMAL_LABS`.`HOUR_MS`, 3) AS TIMESTAMP(3)) AS `WINDOW_START`, CAST(TO_TIMESTAMP_LTZ(`ABNORMAL_LABS`.`HOUR_MS` + 3600000, 3) AS TIMESTAMP(3)) AS `WINDOW_END`, SUM(CAST(`__weight` AS BIGINT)) AS `ABNORMAL`, COALESCE(SUM(CASE WHEN ((`ABNORMAL_LABS`.`DIRECTION` = 'low') IS TRUE) THEN 1 ELSE 0 END * `__weight`), 0) AS `LOW`, COALESCE(SUM(CASE WHEN ((`ABNORMAL_LABS`.`DIRECTION` = 'high') IS TRUE) THEN 1 ELSE 0 END * `__weight`), 0) AS `HIGH`
FROM (SELECT *, CASE WHEN `op` IN ('INSERT', 'UPDATE_AFTER') THEN 1 ELSE -1 END AS `__weight` FROM TO_CHANGELOG(input => TABLE `ABNORMAL_LABS`)) AS `ABNORMAL_LABS`
WHERE `ABNORMAL_LABS`.`TEST_CODE` IS NOT NULL AND `ABNORMAL_LABS`.`TEST_NAME` IS NOT NULL AND `ABNORMAL_LABS`.`HOUR_MS` IS NOT NULL
GROUP BY `ABNORMAL_LABS`.`TEST_CODE`, `ABNORMAL_LABS`.`TEST_NAME`, `ABNORMAL_LABS`.`HOUR_MS`;

CREATE TABLE `ABNORMAL_LABS_HOURLY__sink` (
  `__key_TEST_CODE_KEY` STRING,
  `__key_TEST_NAME_KEY` STRING,
  `__key_HOUR_KEY` BIGINT,
  `TEST_CODE` STRING,
  `TEST_NAME` STRING,
  `WINDOW_START` TIMESTAMP(3),
  `WINDOW_END` TIMESTAMP(3),
  `ABNORMAL` BIGINT,
  `LOW` INT,
  `HIGH` INT,
  PRIMARY KEY (`__key_TEST_CODE_KEY`, `__key_TEST_NAME_KEY`, `__key_HOUR_KEY`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'abnormal_labs_hourly', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.linger.ms' = '5', 'properties.batch.size' = '131072', 'properties.compression.type' = 'lz4', 'key.format' = 'csv', 'value.avro-confluent-or-skip.schema' = '{"type":"record","name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas","fields":[{"name":"TEST_CODE","type":["null","string"],"default":null},{"name":"TEST_NAME","type":["null","string"],"default":null},{"name":"WINDOW_START","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"WINDOW_END","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"ABNORMAL","type":["null","long"],"default":null},{"name":"LOW","type":["null","int"],"default":null},{"name":"HIGH","type":["null","int"],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"}', 'value.avro-confluent-or-skip.subject' = 'abnormal_labs_hourly-value', 'sink.buffer-flush.max-rows' = '2000', 'sink.buffer-flush.interval' = '50ms');

INSERT INTO `ABNORMAL_LABS_HOURLY__sink` SELECT `TEST_CODE_KEY`, `TEST_NAME_KEY`, `HOUR_KEY`, `TEST_CODE`, `TEST_NAME`, `WINDOW_START`, `WINDOW_END`, `ABNORMAL`, `LOW`, `HIGH` FROM `ABNORMAL_LABS_HOURLY`;

CREATE TABLE `PATIENTS__topic` (
  `__key_PATIENT_ID` STRING,
  `gender` STRING,
  `race` STRING,
  `birth_date` DATE,
  `insurance` STRING,
  PRIMARY KEY (`__key_PATIENT_ID`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'patients_clean', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.group.id' = 'group-admissions_by_age_daily', 'key.format' = 'text-or-skip');

CREATE VIEW `PATIENTS` AS
SELECT `__key_PATIENT_ID` AS `PATIENT_ID`, `gender` AS `GENDER`, `race` AS `RACE`, `birth_date` AS `BIRTH_DATE`, `insurance` AS `INSURANCE` FROM `PATIENTS__topic`;

CREATE TABLE `ADMISSIONS__topic` (
  `__key_ADMISSION_ID` STRING,
  `patient_id` STRING,
  `department` STRING,
  `admission_type` STRING,
  `admission_date` TIMESTAMP(3),
  PRIMARY KEY (`__key_ADMISSION_ID`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'patient_admissions_clean', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.group.id' = 'group-admissions_by_age_daily', 'key.format' = 'text-or-skip');

CREATE VIEW `ADMISSIONS` AS
SELECT `__key_ADMISSION_ID` AS `ADMISSION_ID`, `patient_id` AS `PATIENT_ID`, `department` AS `DEPARTMENT`, `admission_type` AS `ADMISSION_TYPE`, `admission_date` AS `ADMISSION_DATE` FROM `ADMISSIONS__topic`;

CREATE VIEW `ADMISSIONS_ENRICHED` AS
SELECT `A`.`ADMISSION_ID` AS `ADMISSION_KEY`, `A`.`ADMISSION_ID` AS `ADMISSION_ID`, `A`.`PATIENT_ID` AS `PATIENT_ID`, CAST(COALESCE(`A`.`DEPARTMENT`, 'Unknown') AS STRING) AS `DEPARTMENT`, CAST(COALESCE(`A`.`ADMISSION_TYPE`, 'Unknown') AS STRING) AS `ADMISSION_TYPE`, `A`.`ADMISSION_DATE` AS `ADMISSION_DATE`, CASE WHEN NOT (`P`.`BIRTH_DATE` IS NULL) THEN (TRY_CAST(DATE_FORMAT(CAST(`A`.`ADMISSION_DATE` AS TIMESTAMP(3)), 'yyyyMMdd') AS INTEGER) - TRY_CAST(DATE_FORMAT(CAST(`P`.`BIRTH_DATE` AS TIMESTAMP(3)), 'yyyyMMdd') AS INTEGER)) / 10000 ELSE NULL END AS `AGE_AT_ADMISSION`, CAST(COALESCE(`P`.`GENDER`, 'Unknown') AS STRING) AS `GENDER`, CAST(COALESCE(`P`.`RACE`, 'Unknown') AS STRING) AS `RACE`, CAST(COALESCE(`P`.`INSURANCE`, 'Unknown') AS STRING) AS `INSURANCE`
FROM `ADMISSIONS` AS `A`
LEFT JOIN `PATIENTS` AS `P` ON `A`.`PATIENT_ID` = `P`.`PATIENT_ID`;

CREATE VIEW `ADMISSIONS_BY_BAND` AS
SELECT `ADMISSIONS_ENRICHED`.`ADMISSION_KEY` AS `ADMISSION_KEY`, CAST(CASE WHEN `ADMISSIONS_ENRICHED`.`AGE_AT_ADMISSION` IS NULL THEN 'Unknown' WHEN ((`ADMISSIONS_ENRICHED`.`AGE_AT_ADMISSION` < 18) IS TRUE) THEN '0-17' WHEN ((`ADMISSIONS_ENRICHED`.`AGE_AT_ADMISSION` < 40) IS TRUE) THEN '18-39' WHEN ((`ADMISSIONS_ENRICHED`.`AGE_AT_ADMISSION` < 65) IS TRUE) THEN '40-64' WHEN ((`ADMISSIONS_ENRICHED`.`AGE_AT_ADMISSION` < 80) IS TRUE) THEN '65-79' ELSE '80+' END AS STRING) AS `AGE_BAND`, `ADMISSIONS_ENRICHED`.`GENDER` AS `GENDER`, (EXTRACT(EPOCH FROM `ADMISSIONS_ENRICHED`.`ADMISSION_DATE`) * 1000 + EXTRACT(MILLISECOND FROM `ADMISSIONS_ENRICHED`.`ADMISSION_DATE`)) / 86400000 * 86400000 AS `DAY_MS`
FROM `ADMISSIONS_ENRICHED` AS `ADMISSIONS_ENRICHED`;

CREATE VIEW `ADMISSIONS_BY_AGE_DAILY` AS
SELECT `ADMISSIONS_BY_BAND`.`AGE_BAND` AS `AGE_BAND_KEY`, `ADMISSIONS_BY_BAND`.`GENDER` AS `GENDER_KEY`, `ADMISSIONS_BY_BAND`.`DAY_MS` AS `DAY_KEY`, `ADMISSIONS_BY_BAND`.`AGE_BAND` AS `AGE_BAND`, `ADMISSIONS_BY_BAND`.`GENDER` AS `GENDER`, CAST(TO_TIMESTAMP_LTZ(`ADMISSIONS_BY_BAND`.`DAY_MS`, 3) AS TIMESTAMP(3)) AS `WINDOW_START`, CAST(TO_TIMESTAMP_LTZ(`ADMISSIONS_BY_BAND`.`DAY_MS` + 86400000, 3) AS TIMESTAMP(3)) AS `WINDOW_END`, SUM(CAST(`__weight` AS BIGINT)) AS `ADMISSIONS`
FROM (SELECT *, CASE WHEN `op` IN ('INSERT', 'UPDATE_AFTER') THEN 1 ELSE -1 END AS `__weight` FROM TO_CHANGELOG(input => TABLE `ADMISSIONS_BY_BAND`)) AS `ADMISSIONS_BY_BAND`
WHERE `ADMISSIONS_BY_BAND`.`AGE_BAND` IS NOT NULL AND `ADMISSIONS_BY_BAND`.`GENDER` IS NOT NULL AND `ADMISSIONS_BY_BAND`.`DAY_MS` IS NOT NULL
GROUP BY `ADMISSIONS_BY_BAND`.`AGE_BAND`, `ADMISSIONS_BY_BAND`.`GENDER`, `ADMISSIONS_BY_BAND`.`DAY_MS`;

CREATE TABLE `ADMISSIONS_BY_AGE_DAILY__sink` (
  `__key_AGE_BAND_KEY` STRING,
  `__key_GENDER_KEY` STRING,
  `__key_DAY_KEY` BIGINT,
  `AGE_BAND` STRING,
  `GENDER` STRING,
  `WINDOW_START` TIMESTAMP(3),
  `WINDOW_END` TIMESTAMP(3),
  `ADMISSIONS` BIGINT,
  PRIMARY KEY (`__key_AGE_BAND_KEY`, `__key_GENDER_KEY`, `__key_DAY_KEY`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'admissions_by_age_daily', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'avro-confluent-or-skip', 'value.avro-confluent-or-skip.url' = 'http://registry', 'properties.linger.ms' = '5', 'properties.batch.size' = '131072', 'properties.compression.type' = 'lz4', 'key.format' = 'csv', 'value.avro-confluent-or-skip.schema' = '{"type":"record","name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas","fields":[{"name":"AGE_BAND","type":["null","string"],"default":null},{"name":"GENDER","type":["null","string"],"default":null},{"name":"WINDOW_START","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"WINDOW_END","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"ADMISSIONS","type":["null","long"],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"}', 'value.avro-confluent-or-skip.subject' = 'admissions_by_age_daily-value', 'sink.buffer-flush.max-rows' = '2000', 'sink.buffer-flush.interval' = '50ms');

INSERT INTO `ADMISSIONS_BY_AGE_DAILY__sink` SELECT `AGE_BAND_KEY`, `GENDER_KEY`, `DAY_KEY`, `AGE_BAND`, `GENDER`, `WINDOW_START`, `WINDOW_END`, `ADMISSIONS` FROM `ADMISSIONS_BY_AGE_DAILY`;

