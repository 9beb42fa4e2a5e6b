CREATE TABLE `ADMISSIONS__topic` (
  `__key` STRING,
  `patient_id` STRING,
  `department` STRING,
  `admission_type` STRING,
  `admission_date` TIMESTAMP(3),
  `length_of_stay_hours` INT,
  `__timestamp` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL
) WITH ('connector' = 'kafka', 'topic' = 'patient_admissions_clean', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'scan.startup.mode' = 'earliest-offset', 'key.fields' = '__key', 'properties.group.id' = 'group', 'key.format' = 'raw', 'value.format' = 'avro-confluent', 'value.avro-confluent.url' = 'http://registry');

CREATE VIEW `ADMISSIONS` AS
SELECT `__key` AS `ADMISSION_ID`, `patient_id` AS `PATIENT_ID`, `department` AS `DEPARTMENT`, `admission_type` AS `ADMISSION_TYPE`, `admission_date` AS `ADMISSION_DATE`, `length_of_stay_hours` AS `LENGTH_OF_STAY_HOURS`, (EXTRACT(EPOCH FROM `admission_date`) * 1000 + EXTRACT(MILLISECOND FROM `admission_date`)) AS `ROWTIME` FROM `ADMISSIONS__topic`;

CREATE TABLE `DIAGNOSES__topic` (
  `__key` STRING,
  `admission_id` STRING,
  `diagnosis_code` STRING,
  `diagnosis_description` STRING,
  `diagnosis_rank` STRING,
  `diagnosed_at` TIMESTAMP(3),
  `__timestamp` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL
) WITH ('connector' = 'kafka', 'topic' = 'patient_diagnoses_clean', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'scan.startup.mode' = 'earliest-offset', 'key.fields' = '__key', 'properties.group.id' = 'group', 'key.format' = 'raw', 'value.format' = 'avro-confluent', 'value.avro-confluent.url' = 'http://registry');

CREATE VIEW `DIAGNOSES` AS
SELECT `__key` AS `DIAGNOSIS_ID`, `admission_id` AS `ADMISSION_ID`, `diagnosis_code` AS `DIAGNOSIS_CODE`, `diagnosis_description` AS `DIAGNOSIS_DESCRIPTION`, `diagnosis_rank` AS `DIAGNOSIS_RANK`, `diagnosed_at` AS `DIAGNOSED_AT`, (EXTRACT(EPOCH FROM `diagnosed_at`) * 1000 + EXTRACT(MILLISECOND FROM `diagnosed_at`)) AS `ROWTIME` FROM `DIAGNOSES__topic`;

CREATE TABLE `LABS__topic` (
  `__key` STRING,
  `admission_id` STRING,
  `test_code` STRING,
  `test_name` STRING,
  `test_unit` STRING,
  `test_value` DOUBLE,
  `test_reference_low` DOUBLE,
  `test_reference_high` DOUBLE,
  `collected_at` TIMESTAMP(3),
  `__timestamp` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL
) WITH ('connector' = 'kafka', 'topic' = 'patient_labs_clean', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'scan.startup.mode' = 'earliest-offset', 'key.fields' = '__key', 'properties.group.id' = 'group', 'key.format' = 'raw', 'value.format' = 'avro-confluent', 'value.avro-confluent.url' = 'http://registry');

CREATE VIEW `LABS` AS
SELECT `__key` AS `LAB_ID`, `admission_id` AS `ADMISSION_ID`, `test_code` AS `TEST_CODE`, `test_name` AS `TEST_NAME`, `test_unit` AS `TEST_UNIT`, `test_value` AS `TEST_VALUE`, `test_reference_low` AS `TEST_REFERENCE_LOW`, `test_reference_high` AS `TEST_REFERENCE_HIGH`, `collected_at` AS `COLLECTED_AT`, (EXTRACT(EPOCH FROM `collected_at`) * 1000 + EXTRACT(MILLISECOND FROM `collected_at`)) AS `ROWTIME` FROM `LABS__topic`;

CREATE TABLE `ADMISSIONS_BY_ID__topic` (
  `__key` STRING,
  `patient_id` STRING,
  `department` STRING,
  `admission_type` STRING,
  `admission_date` TIMESTAMP(3),
  `length_of_stay_hours` INT,
  `__timestamp` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  PRIMARY KEY (`__key`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'patient_admissions_clean', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'properties.group.id' = 'group', 'key.format' = 'raw', 'value.format' = 'avro-confluent', 'value.avro-confluent.url' = 'http://registry');

CREATE VIEW `ADMISSIONS_BY_ID` AS
SELECT `__key` AS `ADMISSION_ID`, `patient_id` AS `PATIENT_ID`, `department` AS `DEPARTMENT`, `admission_type` AS `ADMISSION_TYPE`, `admission_date` AS `ADMISSION_DATE`, `length_of_stay_hours` AS `LENGTH_OF_STAY_HOURS` FROM `ADMISSIONS_BY_ID__topic`;

CREATE TABLE `ADMISSIONS_BY_ID__changes__topic` (
  `__key` STRING,
  `patient_id` STRING,
  `department` STRING,
  `admission_type` STRING,
  `admission_date` TIMESTAMP(3),
  `length_of_stay_hours` INT,
  `__timestamp` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL
) WITH ('connector' = 'kafka', 'topic' = 'patient_admissions_clean', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'scan.startup.mode' = 'earliest-offset', 'key.fields' = '__key', 'properties.group.id' = 'group', 'key.format' = 'raw', 'value.format' = 'avro-confluent', 'value.avro-confluent.url' = 'http://registry');

CREATE VIEW `ADMISSIONS_BY_ID__changes` AS
SELECT `__key` AS `ADMISSION_ID`, `patient_id` AS `PATIENT_ID`, `department` AS `DEPARTMENT`, `admission_type` AS `ADMISSION_TYPE`, `admission_date` AS `ADMISSION_DATE`, `length_of_stay_hours` AS `LENGTH_OF_STAY_HOURS` FROM `ADMISSIONS_BY_ID__changes__topic`;

CREATE TABLE `PATIENTS__topic` (
  `__key` STRING,
  `gender` STRING,
  `race` STRING,
  `birth_date` DATE,
  `insurance` STRING,
  `__timestamp` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  PRIMARY KEY (`__key`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'patients_clean', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'properties.group.id' = 'group', 'key.format' = 'raw', 'value.format' = 'avro-confluent', 'value.avro-confluent.url' = 'http://registry');

CREATE VIEW `PATIENTS` AS
SELECT `__key` AS `PATIENT_ID`, `gender` AS `GENDER`, `race` AS `RACE`, `birth_date` AS `BIRTH_DATE`, `insurance` AS `INSURANCE` FROM `PATIENTS__topic`;

CREATE TABLE `PATIENTS__changes__topic` (
  `__key` STRING,
  `gender` STRING,
  `race` STRING,
  `birth_date` DATE,
  `insurance` STRING,
  `__timestamp` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL
) WITH ('connector' = 'kafka', 'topic' = 'patients_clean', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'scan.startup.mode' = 'earliest-offset', 'key.fields' = '__key', 'properties.group.id' = 'group', 'key.format' = 'raw', 'value.format' = 'avro-confluent', 'value.avro-confluent.url' = 'http://registry');

CREATE VIEW `PATIENTS__changes` AS
SELECT `__key` AS `PATIENT_ID`, `gender` AS `GENDER`, `race` AS `RACE`, `birth_date` AS `BIRTH_DATE`, `insurance` AS `INSURANCE` FROM `PATIENTS__changes__topic`;

CREATE VIEW `ADMISSIONS_NAMED` AS
SELECT `ADMISSIONS`.`ADMISSION_ID` AS `ADMISSION_KEY`, `ADMISSIONS`.`ADMISSION_ID` AS `ADMISSION_ID`, `ADMISSIONS`.`PATIENT_ID` AS `PATIENT_ID`, CAST(COALESCE(`ADMISSIONS`.`DEPARTMENT`, 'Unknown') AS STRING) AS `DEPARTMENT`, CAST(COALESCE(`ADMISSIONS`.`ADMISSION_TYPE`, 'Unknown') AS STRING) AS `ADMISSION_TYPE`, `ADMISSIONS`.`ADMISSION_DATE` AS `ADMISSION_DATE`, `ADMISSIONS`.`LENGTH_OF_STAY_HOURS` AS `LENGTH_OF_STAY_HOURS`, `ADMISSIONS`.`ROWTIME` AS `ROWTIME`
FROM `ADMISSIONS` AS `ADMISSIONS`;

CREATE VIEW `ADMISSIONS_ENRICHED` AS
SELECT `A`.`ADMISSION_ID` AS `ADMISSION_KEY`, `A`.`ADMISSION_ID` AS `ADMISSION_ID`, `A`.`PATIENT_ID` AS `PATIENT_ID`, CAST(COALESCE(`A`.`DEPARTMENT`, 'Unknown') AS STRING) AS `DEPARTMENT`, CAST(COALESCE(`A`.`ADMISSION_TYPE`, 'Unknown') AS STRING) AS `ADMISSION_TYPE`, `A`.`ADMISSION_DATE` AS `ADMISSION_DATE`, (TRY_CAST(REGEXP_EXTRACT(DATE_FORMAT(CAST(`A`.`ADMISSION_DATE` AS TIMESTAMP(3)), 'yyyyMMdd'), '\A[\x00-\x20]*([+-]?[0-9]+)[\x00-\x20]*\z', 1) AS INTEGER) - TRY_CAST(REGEXP_EXTRACT(DATE_FORMAT(CAST(`P`.`BIRTH_DATE` AS TIMESTAMP(3)), 'yyyyMMdd'), '\A[\x00-\x20]*([+-]?[0-9]+)[\x00-\x20]*\z', 1) AS INTEGER)) / 10000 AS `AGE_AT_ADMISSION`, CAST(COALESCE(`P`.`GENDER`, 'Unknown') AS STRING) AS `GENDER`, CAST(COALESCE(`P`.`RACE`, 'Unknown') AS STRING) AS `RACE`, CAST(COALESCE(`P`.`INSURANCE`, 'Unknown') AS STRING) AS `INSURANCE`
FROM `ADMISSIONS_BY_ID` AS `A`
LEFT JOIN `PATIENTS` AS `P` ON `A`.`PATIENT_ID` = `P`.`PATIENT_ID`;

CREATE VIEW `PRIMARY_DIAGNOSES` AS
SELECT `D`.`DIAGNOSIS_ID` AS `DIAGNOSIS_KEY`, `D`.`DIAGNOSIS_ID` AS `DIAGNOSIS_ID`, `D`.`ADMISSION_ID` AS `ADMISSION_ID`, `A`.`PATIENT_ID` AS `PATIENT_ID`, `A`.`DEPARTMENT` AS `DEPARTMENT`, `D`.`DIAGNOSIS_CODE` AS `DIAGNOSIS_CODE`, `D`.`DIAGNOSIS_DESCRIPTION` AS `DIAGNOSIS_DESCRIPTION`, `D`.`DIAGNOSED_AT` AS `DIAGNOSED_AT`, GREATEST(`D`.`ROWTIME`, `A`.`ROWTIME`) AS `ROWTIME`
FROM `DIAGNOSES` AS `D`
JOIN `ADMISSIONS_NAMED` AS `A` ON `D`.`ADMISSION_ID` = `A`.`ADMISSION_KEY` AND `A`.`ROWTIME` BETWEEN `D`.`ROWTIME` - 2592000000 AND `D`.`ROWTIME` + 2592000000
WHERE (((`D`.`DIAGNOSIS_RANK` = 'Primary') IS TRUE));

CREATE VIEW `ABNORMAL_LABS` AS
SELECT `L`.`LAB_ID` AS `LAB_KEY`, `L`.`LAB_ID` AS `LAB_ID`, `L`.`ADMISSION_ID` AS `ADMISSION_ID`, `A`.`PATIENT_ID` AS `PATIENT_ID`, `L`.`TEST_CODE` AS `TEST_CODE`, `L`.`TEST_NAME` AS `TEST_NAME`, `L`.`TEST_UNIT` AS `TEST_UNIT`, `L`.`TEST_VALUE` AS `TEST_VALUE`, CAST(CASE WHEN ((`L`.`TEST_VALUE` < `L`.`TEST_REFERENCE_LOW`) IS TRUE) THEN 'low' ELSE 'high' END AS STRING) AS `DIRECTION`, CASE WHEN ((`L`.`TEST_VALUE` < `L`.`TEST_REFERENCE_LOW`) IS TRUE) THEN `L`.`TEST_REFERENCE_LOW` - `L`.`TEST_VALUE` ELSE `L`.`TEST_VALUE` - `L`.`TEST_REFERENCE_HIGH` END AS `DEVIATION`, `L`.`COLLECTED_AT` AS `COLLECTED_AT`, GREATEST(`L`.`ROWTIME`, `A`.`ROWTIME`) AS `ROWTIME`
FROM `LABS` AS `L`
JOIN `ADMISSIONS_NAMED` AS `A` ON `L`.`ADMISSION_ID` = `A`.`ADMISSION_KEY` AND `A`.`ROWTIME` BETWEEN `L`.`ROWTIME` - 2592000000 AND `L`.`ROWTIME` + 2592000000
WHERE (((`L`.`TEST_VALUE` < `L`.`TEST_REFERENCE_LOW`) IS TRUE) OR ((`L`.`TEST_VALUE` > `L`.`TEST_REFERENCE_HIGH`) IS TRUE));

CREATE VIEW `DISCHARGES` AS
SELECT `ADMISSIONS_NAMED`.`ADMISSION_KEY` AS `ADMISSION_KEY`, `ADMISSIONS_NAMED`.`ADMISSION_ID` AS `ADMISSION_ID`, `ADMISSIONS_NAMED`.`DEPARTMENT` AS `DEPARTMENT`, TIMESTAMPADD(HOUR, `ADMISSIONS_NAMED`.`LENGTH_OF_STAY_HOURS`, `ADMISSIONS_NAMED`.`ADMISSION_DATE`) AS `DISCHARGE_DATE`, (EXTRACT(EPOCH FROM TIMESTAMPADD(HOUR, `ADMISSIONS_NAMED`.`LENGTH_OF_STAY_HOURS`, `ADMISSIONS_NAMED`.`ADMISSION_DATE`)) * 1000 + EXTRACT(MILLISECOND FROM TIMESTAMPADD(HOUR, `ADMISSIONS_NAMED`.`LENGTH_OF_STAY_HOURS`, `ADMISSIONS_NAMED`.`ADMISSION_DATE`))) AS `ROWTIME`
FROM `ADMISSIONS_NAMED` AS `ADMISSIONS_NAMED`;

CREATE VIEW `ADMISSIONS_HOURLY` AS
SELECT `ADMISSIONS_NAMED`.`DEPARTMENT` AS `DEPARTMENT_KEY`, `ADMISSIONS_NAMED`.`ADMISSION_TYPE` AS `ADMISSION_TYPE_KEY`, `ADMISSIONS_NAMED`.`DEPARTMENT` AS `DEPARTMENT`, `ADMISSIONS_NAMED`.`ADMISSION_TYPE` AS `ADMISSION_TYPE`, CAST(TO_TIMESTAMP_LTZ(`WINDOWSTART`, 3) AS TIMESTAMP(3)) AS `WINDOW_START`, CAST(TO_TIMESTAMP_LTZ(`WINDOWEND`, 3) AS TIMESTAMP(3)) AS `WINDOW_END`, COUNT(*) AS `ADMISSIONS`, `WINDOWSTART` AS `__window`
FROM (SELECT *, `ROWTIME` - MOD(`ROWTIME`, 3600000) AS `WINDOWSTART`, `ROWTIME` - MOD(`ROWTIME`, 3600000) + 3600000 AS `WINDOWEND` FROM `ADMISSIONS_NAMED`) AS `ADMISSIONS_NAMED`
WHERE `ADMISSIONS_NAMED`.`DEPARTMENT` IS NOT NULL AND `ADMISSIONS_NAMED`.`ADMISSION_TYPE` IS NOT NULL
GROUP BY `ADMISSIONS_NAMED`.`DEPARTMENT`, `ADMISSIONS_NAMED`.`ADMISSION_TYPE`, `WINDOWSTART`, `WINDOWEND`;

CREATE VIEW `DISCHARGES_HOURLY` AS
SELECT `DISCHARGES`.`DEPARTMENT` AS `DEPARTMENT_KEY`, `DISCHARGES`.`DEPARTMENT` AS `DEPARTMENT`, CAST(TO_TIMESTAMP_LTZ(`WINDOWSTART`, 3) AS TIMESTAMP(3)) AS `WINDOW_START`, CAST(TO_TIMESTAMP_LTZ(`WINDOWEND`, 3) AS TIMESTAMP(3)) AS `WINDOW_END`, COUNT(*) AS `DISCHARGES`, `WINDOWSTART` AS `__window`
FROM (SELECT *, `ROWTIME` - MOD(`ROWTIME`, 3600000) AS `WINDOWSTART`, `ROWTIME` - MOD(`ROWTIME`, 3600000) + 3600000 AS `WINDOWEND` FROM `DISCHARGES`) AS `DISCHARGES`
WHERE `DISCHARGES`.`DEPARTMENT` IS NOT NULL
GROUP BY `DISCHARGES`.`DEPARTMENT`, `WINDOWSTART`, `WINDOWEND`;

CREATE VIEW `LENGTH_OF_STAY_DAILY` AS
SELECT `ADMISSIONS_NAMED`.`DEPARTMENT` AS `DEPARTMENT_KEY`, `ADMISSIONS_NAMED`.`DEPARTMENT` AS `DEPARTMENT`, CAST(TO_TIMESTAMP_LTZ(`WINDOWSTART`, 3) AS TIMESTAMP(3)) AS `WINDOW_START`, CAST(TO_TIMESTAMP_LTZ(`WINDOWEND`, 3) AS TIMESTAMP(3)) AS `WINDOW_END`, COUNT(*) AS `ADMISSIONS`, COALESCE(AVG(CAST(`ADMISSIONS_NAMED`.`LENGTH_OF_STAY_HOURS` AS DOUBLE)), 0E0) AS `AVERAGE_HOURS`, MIN(`ADMISSIONS_NAMED`.`LENGTH_OF_STAY_HOURS`) AS `SHORTEST_HOURS`, MAX(`ADMISSIONS_NAMED`.`LENGTH_OF_STAY_HOURS`) AS `LONGEST_HOURS`, `WINDOWSTART` AS `__window`
FROM (SELECT *, `ROWTIME` - MOD(`ROWTIME`, 86400000) AS `WINDOWSTART`, `ROWTIME` - MOD(`ROWTIME`, 86400000) + 86400000 AS `WINDOWEND` FROM `ADMISSIONS_NAMED`) AS `ADMISSIONS_NAMED`
WHERE `ADMISSIONS_NAMED`.`DEPARTMENT` IS NOT NULL
GROUP BY `ADMISSIONS_NAMED`.`DEPARTMENT`, `WINDOWSTART`, `WINDOWEND`;

CREATE VIEW `DIAGNOSES_DAILY` AS
SELECT `PRIMARY_DIAGNOSES`.`DIAGNOSIS_CODE` AS `DIAGNOSIS_CODE_KEY`, `PRIMARY_DIAGNOSES`.`DIAGNOSIS_CODE` AS `DIAGNOSIS_CODE`, CAST(TO_TIMESTAMP_LTZ(`WINDOWSTART`, 3) AS TIMESTAMP(3)) AS `WINDOW_START`, CAST(TO_TIMESTAMP_LTZ(`WINDOWEND`, 3) AS TIMESTAMP(3)) AS `WINDOW_END`, LAST_VALUE(`PRIMARY_DIAGNOSES`.`DIAGNOSIS_DESCRIPTION`) AS `DIAGNOSIS_DESCRIPTION`, COUNT(*) AS `DIAGNOSES`, `WINDOWSTART` AS `__window`
FROM (SELECT *, `ROWTIME` - MOD(`ROWTIME`, 86400000) AS `WINDOWSTART`, `ROWTIME` - MOD(`ROWTIME`, 86400000) + 86400000 AS `WINDOWEND` FROM `PRIMARY_DIAGNOSES`) AS `PRIMARY_DIAGNOSES`
WHERE `PRIMARY_DIAGNOSES`.`DIAGNOSIS_CODE` IS NOT NULL
GROUP BY `PRIMARY_DIAGNOSES`.`DIAGNOSIS_CODE`, `WINDOWSTART`, `WINDOWEND`;

CREATE VIEW `ABNORMAL_LABS_HOURLY` AS
SELECT `ABNORMAL_LABS`.`TEST_CODE` AS `TEST_CODE_KEY`, `ABNORMAL_LABS`.`TEST_CODE` AS `TEST_CODE`, CAST(TO_TIMESTAMP_LTZ(`WINDOWSTART`, 3) AS TIMESTAMP(3)) AS `WINDOW_START`, CAST(TO_TIMESTAMP_LTZ(`WINDOWEND`, 3) AS TIMESTAMP(3)) AS `WINDOW_END`, LAST_VALUE(`ABNORMAL_LABS`.`TEST_NAME`) AS `TEST_NAME`, COUNT(*) AS `ABNORMAL`, COALESCE(SUM(CASE WHEN ((`ABNORMAL_LABS`.`DIRECTION` = 'low') IS TRUE) THEN 1 ELSE 0 END), 0) AS `LOW`, COALESCE(SUM(CASE WHEN ((`ABNORMAL_LABS`.`DIRECTION` = 'high') IS TRUE) THEN 1 ELSE 0 END), 0) AS `HIGH`, MAX(`ABNORMAL_LABS`.`DEVIATION`) AS `LARGEST_DEVIATION`, `WINDOWSTART` AS `__window`
FROM (SELECT *, `ROWTIME` - MOD(`ROWTIME`, 3600000) AS `WINDOWSTART`, `ROWTIME` - MOD(`ROWTIME`, 3600000) + 3600000 AS `WINDOWEND` FROM `ABNORMAL_LABS`) AS `ABNORMAL_LABS`
WHERE `ABNORMAL_LABS`.`TEST_CODE` IS NOT NULL
GROUP BY `ABNORMAL_LABS`.`TEST_CODE`, `WINDOWSTART`, `WINDOWEND`;

CREATE VIEW `ADMISSIONS_BY_BAND` AS
SELECT `ADMISSIONS_ENRICHED`.`ADMISSION_KEY` AS `ADMISSION_KEY`, CAST(CASE WHEN `ADMISSIONS_ENRICHED`.`AGE_AT_ADMISSION` IS NULL THEN 'Unknown' WHEN ((`ADMISSIONS_ENRICHED`.`AGE_AT_ADMISSION` < 18) IS TRUE) THEN '0-17' WHEN ((`ADMISSIONS_ENRICHED`.`AGE_AT_ADMISSION` < 40) IS TRUE) THEN '18-39' WHEN ((`ADMISSIONS_ENRICHED`.`AGE_AT_ADMISSION` < 65) IS TRUE) THEN '40-64' WHEN ((`ADMISSIONS_ENRICHED`.`AGE_AT_ADMISSION` < 80) IS TRUE) THEN '65-79' ELSE '80+' END AS STRING) AS `AGE_BAND`, `ADMISSIONS_ENRICHED`.`GENDER` AS `GENDER`, (EXTRACT(EPOCH FROM `ADMISSIONS_ENRICHED`.`ADMISSION_DATE`) * 1000 + EXTRACT(MILLISECOND FROM `ADMISSIONS_ENRICHED`.`ADMISSION_DATE`)) / 86400000 * 86400000 AS `DAY_MS`
FROM `ADMISSIONS_ENRICHED` AS `ADMISSIONS_ENRICHED`;

CREATE VIEW `ADMISSIONS_BY_AGE_DAILY` AS
SELECT `ADMISSIONS_BY_BAND`.`AGE_BAND` AS `AGE_BAND_KEY`, `ADMISSIONS_BY_BAND`.`GENDER` AS `GENDER_KEY`, `ADMISSIONS_BY_BAND`.`DAY_MS` AS `DAY_KEY`, `ADMISSIONS_BY_BAND`.`AGE_BAND` AS `AGE_BAND`, `ADMISSIONS_BY_BAND`.`GENDER` AS `GENDER`, CAST(TO_TIMESTAMP_LTZ(`ADMISSIONS_BY_BAND`.`DAY_MS`, 3) AS TIMESTAMP(3)) AS `WINDOW_START`, CAST(TO_TIMESTAMP_LTZ(`ADMISSIONS_BY_BAND`.`DAY_MS` + 86400000, 3) AS TIMESTAMP(3)) AS `WINDOW_END`, SUM(CAST(`__weight` AS BIGINT)) AS `ADMISSIONS`
FROM (SELECT *, CASE WHEN `op` IN ('INSERT', 'UPDATE_AFTER') THEN 1 ELSE -1 END AS `__weight` FROM TO_CHANGELOG(input => TABLE `ADMISSIONS_BY_BAND`)) AS `ADMISSIONS_BY_BAND`
WHERE `ADMISSIONS_BY_BAND`.`AGE_BAND` IS NOT NULL AND `ADMISSIONS_BY_BAND`.`GENDER` IS NOT NULL AND `ADMISSIONS_BY_BAND`.`DAY_MS` IS NOT NULL
GROUP BY `ADMISSIONS_BY_BAND`.`AGE_BAND`, `ADMISSIONS_BY_BAND`.`GENDER`, `ADMISSIONS_BY_BAND`.`DAY_MS`;

CREATE VIEW `PATIENT_LAST_ADMISSION` AS
SELECT `ADMISSIONS_NAMED`.`PATIENT_ID` AS `PATIENT_KEY`, LAST_VALUE(`ADMISSIONS_NAMED`.`ADMISSION_ID`) AS `ADMISSION_ID`, LAST_VALUE(`ADMISSIONS_NAMED`.`DEPARTMENT`) AS `DEPARTMENT`, LAST_VALUE(`ADMISSIONS_NAMED`.`ADMISSION_DATE`) AS `ADMISSION_DATE`, COUNT(*) AS `ADMISSIONS`
FROM `ADMISSIONS_NAMED` AS `ADMISSIONS_NAMED`
WHERE `ADMISSIONS_NAMED`.`PATIENT_ID` IS NOT NULL
GROUP BY `ADMISSIONS_NAMED`.`PATIENT_ID`;

CREATE VIEW `PATIENT_LAST_ABNORMAL_LAB` AS
SELECT `ABNORMAL_LABS`.`PATIENT_ID` AS `PATIENT_KEY`, LAST_VALUE(`ABNORMAL_LABS`.`TEST_NAME`) AS `TEST_NAME`, LAST_VALUE(`ABNORMAL_LABS`.`TEST_VALUE`) AS `TEST_VALUE`, LAST_VALUE(`ABNORMAL_LABS`.`DIRECTION`) AS `DIRECTION`, LAST_VALUE(`ABNORMAL_LABS`.`COLLECTED_AT`) AS `COLLECTED_AT`
FROM `ABNORMAL_LABS` AS `ABNORMAL_LABS`
WHERE `ABNORMAL_LABS`.`PATIENT_ID` IS NOT NULL
GROUP BY `ABNORMAL_LABS`.`PATIENT_ID`;

CREATE VIEW `PATIENT_STATUS` AS
SELECT `A`.`PATIENT_KEY` AS `PATIENT_KEY`, `A`.`PATIENT_KEY` AS `PATIENT_ID`, `A`.`ADMISSION_ID` AS `ADMISSION_ID`, `A`.`DEPARTMENT` AS `DEPARTMENT`, `A`.`ADMISSION_DATE` AS `ADMISSION_DATE`, `A`.`ADMISSIONS` AS `ADMISSIONS`, `L`.`TEST_NAME` AS `LAST_ABNORMAL_TEST`, `L`.`TEST_VALUE` AS `LAST_ABNORMAL_VALUE`, `L`.`DIRECTION` AS `LAST_ABNORMAL_DIRECTION`, `L`.`COLLECTED_AT` AS `LAST_ABNORMAL_AT`
FROM `PATIENT_LAST_ADMISSION` AS `A`
LEFT JOIN `PATIENT_LAST_ABNORMAL_LAB` AS `L` ON `A`.`PATIENT_KEY` = `L`.`PATIENT_KEY`;

CREATE TABLE `ADMISSIONS_NAMED__sink` (
  `__key_ADMISSION_KEY` STRING,
  `ADMISSION_ID` STRING,
  `PATIENT_ID` STRING,
  `DEPARTMENT` STRING,
  `ADMISSION_TYPE` STRING,
  `ADMISSION_DATE` TIMESTAMP(3),
  `LENGTH_OF_STAY_HOURS` INT
) WITH ('connector' = 'kafka', 'topic' = 'admissions_named', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'key.format' = 'raw', 'value.format' = 'avro-confluent', 'value.avro-confluent.url' = 'http://registry', 'value.avro-confluent.schema' = '{"type":"record","name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas","fields":[{"name":"ADMISSION_ID","type":["null","string"],"default":null},{"name":"PATIENT_ID","type":["null","string"],"default":null},{"name":"DEPARTMENT","type":["null","string"],"default":null},{"name":"ADMISSION_TYPE","type":["null","string"],"default":null},{"name":"ADMISSION_DATE","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"LENGTH_OF_STAY_HOURS","type":["null","int"],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"}', 'value.avro-confluent.subject' = 'admissions_named-value', 'key.fields' = '__key_ADMISSION_KEY');

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
) WITH ('connector' = 'upsert-kafka', 'topic' = 'admissions_enriched', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'key.format' = 'raw', 'value.format' = 'avro-confluent', 'value.avro-confluent.url' = 'http://registry', 'value.avro-confluent.schema' = '{"type":"record","name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas","fields":[{"name":"ADMISSION_ID","type":["null","string"],"default":null},{"name":"PATIENT_ID","type":["null","string"],"default":null},{"name":"DEPARTMENT","type":["null","string"],"default":null},{"name":"ADMISSION_TYPE","type":["null","string"],"default":null},{"name":"ADMISSION_DATE","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"AGE_AT_ADMISSION","type":["null","int"],"default":null},{"name":"GENDER","type":["null","string"],"default":null},{"name":"RACE","type":["null","string"],"default":null},{"name":"INSURANCE","type":["null","string"],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"}', 'value.avro-confluent.subject' = 'admissions_enriched-value', 'sink.buffer-flush.max-rows' = '2000', 'sink.buffer-flush.interval' = '200ms');

CREATE TABLE `PRIMARY_DIAGNOSES__sink` (
  `__key_DIAGNOSIS_KEY` STRING,
  `DIAGNOSIS_ID` STRING,
  `ADMISSION_ID` STRING,
  `PATIENT_ID` STRING,
  `DEPARTMENT` STRING,
  `DIAGNOSIS_CODE` STRING,
  `DIAGNOSIS_DESCRIPTION` STRING,
  `DIAGNOSED_AT` TIMESTAMP(3)
) WITH ('connector' = 'kafka', 'topic' = 'primary_diagnoses', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'key.format' = 'raw', 'value.format' = 'avro-confluent', 'value.avro-confluent.url' = 'http://registry', 'value.avro-confluent.schema' = '{"type":"record","name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas","fields":[{"name":"DIAGNOSIS_ID","type":["null","string"],"default":null},{"name":"ADMISSION_ID","type":["null","string"],"default":null},{"name":"PATIENT_ID","type":["null","string"],"default":null},{"name":"DEPARTMENT","type":["null","string"],"default":null},{"name":"DIAGNOSIS_CODE","type":["null","string"],"default":null},{"name":"DIAGNOSIS_DESCRIPTION","type":["null","string"],"default":null},{"name":"DIAGNOSED_AT","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"}', 'value.avro-confluent.subject' = 'primary_diagnoses-value', 'key.fields' = '__key_DIAGNOSIS_KEY');

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
  `COLLECTED_AT` TIMESTAMP(3)
) WITH ('connector' = 'kafka', 'topic' = 'abnormal_labs', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'key.format' = 'raw', 'value.format' = 'avro-confluent', 'value.avro-confluent.url' = 'http://registry', 'value.avro-confluent.schema' = '{"type":"record","name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas","fields":[{"name":"LAB_ID","type":["null","string"],"default":null},{"name":"ADMISSION_ID","type":["null","string"],"default":null},{"name":"PATIENT_ID","type":["null","string"],"default":null},{"name":"TEST_CODE","type":["null","string"],"default":null},{"name":"TEST_NAME","type":["null","string"],"default":null},{"name":"TEST_UNIT","type":["null","string"],"default":null},{"name":"TEST_VALUE","type":["null","double"],"default":null},{"name":"DIRECTION","type":["null","string"],"default":null},{"name":"DEVIATION","type":["null","double"],"default":null},{"name":"COLLECTED_AT","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"}', 'value.avro-confluent.subject' = 'abnormal_labs-value', 'key.fields' = '__key_LAB_KEY');

CREATE TABLE `DISCHARGES__sink` (
  `__key_ADMISSION_KEY` STRING,
  `ADMISSION_ID` STRING,
  `DEPARTMENT` STRING,
  `DISCHARGE_DATE` TIMESTAMP(3)
) WITH ('connector' = 'kafka', 'topic' = 'discharges', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'key.format' = 'raw', 'value.format' = 'avro-confluent', 'value.avro-confluent.url' = 'http://registry', 'value.avro-confluent.schema' = '{"type":"record","name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas","fields":[{"name":"ADMISSION_ID","type":["null","string"],"default":null},{"name":"DEPARTMENT","type":["null","string"],"default":null},{"name":"DISCHARGE_DATE","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"}', 'value.avro-confluent.subject' = 'discharges-value', 'key.fields' = '__key_ADMISSION_KEY');

CREATE TABLE `ADMISSIONS_HOURLY__sink` (
  `__key_DEPARTMENT_KEY` STRING,
  `__key_ADMISSION_TYPE_KEY` STRING,
  `__key_window` BIGINT,
  `DEPARTMENT` STRING,
  `ADMISSION_TYPE` STRING,
  `WINDOW_START` TIMESTAMP(3),
  `WINDOW_END` TIMESTAMP(3),
  `ADMISSIONS` BIGINT,
  PRIMARY KEY (`__key_DEPARTMENT_KEY`, `__key_ADMISSION_TYPE_KEY`, `__key_window`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'admissions_hourly', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'key.format' = 'csv', 'value.format' = 'avro-confluent', 'value.avro-confluent.url' = 'http://registry', 'value.avro-confluent.schema' = '{"type":"record","name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas","fields":[{"name":"DEPARTMENT","type":["null","string"],"default":null},{"name":"ADMISSION_TYPE","type":["null","string"],"default":null},{"name":"WINDOW_START","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"WINDOW_END","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"ADMISSIONS","type":["null","long"],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"}', 'value.avro-confluent.subject' = 'admissions_hourly-value', 'sink.buffer-flush.max-rows' = '2000', 'sink.buffer-flush.interval' = '200ms');

CREATE TABLE `DISCHARGES_HOURLY__sink` (
  `__key_DEPARTMENT_KEY` STRING,
  `__key_window` BIGINT,
  `DEPARTMENT` STRING,
  `WINDOW_START` TIMESTAMP(3),
  `WINDOW_END` TIMESTAMP(3),
  `DISCHARGES` BIGINT,
  PRIMARY KEY (`__key_DEPARTMENT_KEY`, `__key_window`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'discharges_hourly', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'key.format' = 'csv', 'value.format' = 'avro-confluent', 'value.avro-confluent.url' = 'http://registry', 'value.avro-confluent.schema' = '{"type":"record","name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas","fields":[{"name":"DEPARTMENT","type":["null","string"],"default":null},{"name":"WINDOW_START","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"WINDOW_END","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"DISCHARGES","type":["null","long"],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"}', 'value.avro-confluent.subject' = 'discharges_hourly-value', 'sink.buffer-flush.max-rows' = '2000', 'sink.buffer-flush.interval' = '200ms');

CREATE TABLE `LENGTH_OF_STAY_DAILY__sink` (
  `__key_DEPARTMENT_KEY` STRING,
  `__key_window` BIGINT,
  `DEPARTMENT` STRING,
  `WINDOW_START` TIMESTAMP(3),
  `WINDOW_END` TIMESTAMP(3),
  `ADMISSIONS` BIGINT,
  `AVERAGE_HOURS` DOUBLE,
  `SHORTEST_HOURS` INT,
  `LONGEST_HOURS` INT,
  PRIMARY KEY (`__key_DEPARTMENT_KEY`, `__key_window`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'length_of_stay_daily', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'key.format' = 'csv', 'value.format' = 'avro-confluent', 'value.avro-confluent.url' = 'http://registry', 'value.avro-confluent.schema' = '{"type":"record","name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas","fields":[{"name":"DEPARTMENT","type":["null","string"],"default":null},{"name":"WINDOW_START","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"WINDOW_END","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"ADMISSIONS","type":["null","long"],"default":null},{"name":"AVERAGE_HOURS","type":["null","double"],"default":null},{"name":"SHORTEST_HOURS","type":["null","int"],"default":null},{"name":"LONGEST_HOURS","type":["null","int"],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"}', 'value.avro-confluent.subject' = 'length_of_stay_daily-value', 'sink.buffer-flush.max-rows' = '2000', 'sink.buffer-flush.interval' = '200ms');

CREATE TABLE `DIAGNOSES_DAILY__sink` (
  `__key_DIAGNOSIS_CODE_KEY` STRING,
  `__key_window` BIGINT,
  `DIAGNOSIS_CODE` STRING,
  `WINDOW_START` TIMESTAMP(3),
  `WINDOW_END` TIMESTAMP(3),
  `DIAGNOSIS_DESCRIPTION` STRING,
  `DIAGNOSES` BIGINT,
  PRIMARY KEY (`__key_DIAGNOSIS_CODE_KEY`, `__key_window`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'diagnoses_daily', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'key.format' = 'csv', 'value.format' = 'avro-confluent', 'value.avro-confluent.url' = 'http://registry', 'value.avro-confluent.schema' = '{"type":"record","name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas","fields":[{"name":"DIAGNOSIS_CODE","type":["null","string"],"default":null},{"name":"WINDOW_START","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"WINDOW_END","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"DIAGNOSIS_DESCRIPTION","type":["null","string"],"default":null},{"name":"DIAGNOSES","type":["null","long"],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"}', 'value.avro-confluent.subject' = 'diagnoses_daily-value', 'sink.buffer-flush.max-rows' = '2000', 'sink.buffer-flush.interval' = '200ms');

CREATE TABLE `ABNORMAL_LABS_HOURLY__sink` (
  `__key_TEST_CODE_KEY` STRING,
  `__key_window` BIGINT,
  `TEST_CODE` STRING,
  `WINDOW_START` TIMESTAMP(3),
  `WINDOW_END` TIMESTAMP(3),
  `TEST_NAME` STRING,
  `ABNORMAL` BIGINT,
  `LOW` INT,
  `HIGH` INT,
  `LARGEST_DEVIATION` DOUBLE,
  PRIMARY KEY (`__key_TEST_CODE_KEY`, `__key_window`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'abnormal_labs_hourly', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'key.format' = 'csv', 'value.format' = 'avro-confluent', 'value.avro-confluent.url' = 'http://registry', 'value.avro-confluent.schema' = '{"type":"record","name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas","fields":[{"name":"TEST_CODE","type":["null","string"],"default":null},{"name":"WINDOW_START","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"WINDOW_END","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"TEST_NAME","type":["null","string"],"default":null},{"name":"ABNORMAL","type":["null","long"],"default":null},{"name":"LOW","type":["null","int"],"default":null},{"name":"HIGH","type":["null","int"],"default":null},{"name":"LARGEST_DEVIATION","type":["null","double"],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"}', 'value.avro-confluent.subject' = 'abnormal_labs_hourly-value', 'sink.buffer-flush.max-rows' = '2000', 'sink.buffer-flush.interval' = '200ms');

CREATE TABLE `ADMISSIONS_BY_BAND__sink` (
  `__key_ADMISSION_KEY` STRING,
  `AGE_BAND` STRING,
  `GENDER` STRING,
  `DAY_MS` BIGINT,
  PRIMARY KEY (`__key_ADMISSION_KEY`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'admissions_by_band', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'key.format' = 'raw', 'value.format' = 'avro-confluent', 'value.avro-confluent.url' = 'http://registry', 'value.avro-confluent.schema' = '{"type":"record","name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas","fields":[{"name":"AGE_BAND","type":["null","string"],"default":null},{"name":"GENDER","type":["null","string"],"default":null},{"name":"DAY_MS","type":["null","long"],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"}', 'value.avro-confluent.subject' = 'admissions_by_band-value', 'sink.buffer-flush.max-rows' = '2000', 'sink.buffer-flush.interval' = '200ms');

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
) WITH ('connector' = 'upsert-kafka', 'topic' = 'admissions_by_age_daily', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'key.format' = 'csv', 'value.format' = 'avro-confluent', 'value.avro-confluent.url' = 'http://registry', 'value.avro-confluent.schema' = '{"type":"record","name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas","fields":[{"name":"AGE_BAND","type":["null","string"],"default":null},{"name":"GENDER","type":["null","string"],"default":null},{"name":"WINDOW_START","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"WINDOW_END","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"ADMISSIONS","type":["null","long"],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"}', 'value.avro-confluent.subject' = 'admissions_by_age_daily-value', 'sink.buffer-flush.max-rows' = '2000', 'sink.buffer-flush.interval' = '200ms');

CREATE TABLE `PATIENT_LAST_ADMISSION__sink` (
  `__key_PATIENT_KEY` STRING,
  `ADMISSION_ID` STRING,
  `DEPARTMENT` STRING,
  `ADMISSION_DATE` TIMESTAMP(3),
  `ADMISSIONS` BIGINT,
  PRIMARY KEY (`__key_PATIENT_KEY`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'patient_last_admission', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'key.format' = 'raw', 'value.format' = 'avro-confluent', 'value.avro-confluent.url' = 'http://registry', 'value.avro-confluent.schema' = '{"type":"record","name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas","fields":[{"name":"ADMISSION_ID","type":["null","string"],"default":null},{"name":"DEPARTMENT","type":["null","string"],"default":null},{"name":"ADMISSION_DATE","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"ADMISSIONS","type":["null","long"],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"}', 'value.avro-confluent.subject' = 'patient_last_admission-value', 'sink.buffer-flush.max-rows' = '2000', 'sink.buffer-flush.interval' = '200ms');

CREATE TABLE `PATIENT_LAST_ABNORMAL_LAB__sink` (
  `__key_PATIENT_KEY` STRING,
  `TEST_NAME` STRING,
  `TEST_VALUE` DOUBLE,
  `DIRECTION` STRING,
  `COLLECTED_AT` TIMESTAMP(3),
  PRIMARY KEY (`__key_PATIENT_KEY`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'patient_last_abnormal_lab', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'key.format' = 'raw', 'value.format' = 'avro-confluent', 'value.avro-confluent.url' = 'http://registry', 'value.avro-confluent.schema' = '{"type":"record","name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas","fields":[{"name":"TEST_NAME","type":["null","string"],"default":null},{"name":"TEST_VALUE","type":["null","double"],"default":null},{"name":"DIRECTION","type":["null","string"],"default":null},{"name":"COLLECTED_AT","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"}', 'value.avro-confluent.subject' = 'patient_last_abnormal_lab-value', 'sink.buffer-flush.max-rows' = '2000', 'sink.buffer-flush.interval' = '200ms');

CREATE TABLE `PATIENT_STATUS__sink` (
  `__key_PATIENT_KEY` STRING,
  `PATIENT_ID` STRING,
  `ADMISSION_ID` STRING,
  `DEPARTMENT` STRING,
  `ADMISSION_DATE` TIMESTAMP(3),
  `ADMISSIONS` BIGINT,
  `LAST_ABNORMAL_TEST` STRING,
  `LAST_ABNORMAL_VALUE` DOUBLE,
  `LAST_ABNORMAL_DIRECTION` STRING,
  `LAST_ABNORMAL_AT` TIMESTAMP(3),
  PRIMARY KEY (`__key_PATIENT_KEY`) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'patient_status', 'properties.bootstrap.servers' = 'kafka:9092', 'value.fields-include' = 'EXCEPT_KEY', 'key.format' = 'raw', 'value.format' = 'avro-confluent', 'value.avro-confluent.url' = 'http://registry', 'value.avro-confluent.schema' = '{"type":"record","name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas","fields":[{"name":"PATIENT_ID","type":["null","string"],"default":null},{"name":"ADMISSION_ID","type":["null","string"],"default":null},{"name":"DEPARTMENT","type":["null","string"],"default":null},{"name":"ADMISSION_DATE","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null},{"name":"ADMISSIONS","type":["null","long"],"default":null},{"name":"LAST_ABNORMAL_TEST","type":["null","string"],"default":null},{"name":"LAST_ABNORMAL_VALUE","type":["null","double"],"default":null},{"name":"LAST_ABNORMAL_DIRECTION","type":["null","string"],"default":null},{"name":"LAST_ABNORMAL_AT","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"}', 'value.avro-confluent.subject' = 'patient_status-value', 'sink.buffer-flush.max-rows' = '2000', 'sink.buffer-flush.interval' = '200ms');

EXECUTE STATEMENT SET
BEGIN
INSERT INTO `ADMISSIONS_NAMED__sink` SELECT `ADMISSION_KEY`, `ADMISSION_ID`, `PATIENT_ID`, `DEPARTMENT`, `ADMISSION_TYPE`, `ADMISSION_DATE`, `LENGTH_OF_STAY_HOURS` FROM `ADMISSIONS_NAMED`;
INSERT INTO `ADMISSIONS_ENRICHED__sink` SELECT `ADMISSION_KEY`, `ADMISSION_ID`, `PATIENT_ID`, `DEPARTMENT`, `ADMISSION_TYPE`, `ADMISSION_DATE`, `AGE_AT_ADMISSION`, `GENDER`, `RACE`, `INSURANCE` FROM `ADMISSIONS_ENRICHED`;
INSERT INTO `PRIMARY_DIAGNOSES__sink` SELECT `DIAGNOSIS_KEY`, `DIAGNOSIS_ID`, `ADMISSION_ID`, `PATIENT_ID`, `DEPARTMENT`, `DIAGNOSIS_CODE`, `DIAGNOSIS_DESCRIPTION`, `DIAGNOSED_AT` FROM `PRIMARY_DIAGNOSES`;
INSERT INTO `ABNORMAL_LABS__sink` SELECT `LAB_KEY`, `LAB_ID`, `ADMISSION_ID`, `PATIENT_ID`, `TEST_CODE`, `TEST_NAME`, `TEST_UNIT`, `TEST_VALUE`, `DIRECTION`, `DEVIATION`, `COLLECTED_AT` FROM `ABNORMAL_LABS`;
INSERT INTO `DISCHARGES__sink` SELECT `ADMISSION_KEY`, `ADMISSION_ID`, `DEPARTMENT`, `DISCHARGE_DATE` FROM `DISCHARGES`;
INSERT INTO `ADMISSIONS_HOURLY__sink` SELECT `DEPARTMENT_KEY`, `ADMISSION_TYPE_KEY`, `__window`, `DEPARTMENT`, `ADMISSION_TYPE`, `WINDOW_START`, `WINDOW_END`, `ADMISSIONS` FROM `ADMISSIONS_HOURLY`;
INSERT INTO `DISCHARGES_HOURLY__sink` SELECT `DEPARTMENT_KEY`, `__window`, `DEPARTMENT`, `WINDOW_START`, `WINDOW_END`, `DISCHARGES` FROM `DISCHARGES_HOURLY`;
INSERT INTO `LENGTH_OF_STAY_DAILY__sink` SELECT `DEPARTMENT_KEY`, `__window`, `DEPARTMENT`, `WINDOW_START`, `WINDOW_END`, `ADMISSIONS`, `AVERAGE_HOURS`, `SHORTEST_HOURS`, `LONGEST_HOURS` FROM `LENGTH_OF_STAY_DAILY`;
INSERT INTO `DIAGNOSES_DAILY__sink` SELECT `DIAGNOSIS_CODE_KEY`, `__window`, `DIAGNOSIS_CODE`, `WINDOW_START`, `WINDOW_END`, `DIAGNOSIS_DESCRIPTION`, `DIAGNOSES` FROM `DIAGNOSES_DAILY`;
INSERT INTO `ABNORMAL_LABS_HOURLY__sink` SELECT `TEST_CODE_KEY`, `__window`, `TEST_CODE`, `WINDOW_START`, `WINDOW_END`, `TEST_NAME`, `ABNORMAL`, `LOW`, `HIGH`, `LARGEST_DEVIATION` FROM `ABNORMAL_LABS_HOURLY`;
INSERT INTO `ADMISSIONS_BY_BAND__sink` SELECT `ADMISSION_KEY`, `AGE_BAND`, `GENDER`, `DAY_MS` FROM `ADMISSIONS_BY_BAND`;
INSERT INTO `ADMISSIONS_BY_AGE_DAILY__sink` SELECT `AGE_BAND_KEY`, `GENDER_KEY`, `DAY_KEY`, `AGE_BAND`, `GENDER`, `WINDOW_START`, `WINDOW_END`, `ADMISSIONS` FROM `ADMISSIONS_BY_AGE_DAILY`;
INSERT INTO `PATIENT_LAST_ADMISSION__sink` SELECT `PATIENT_KEY`, `ADMISSION_ID`, `DEPARTMENT`, `ADMISSION_DATE`, `ADMISSIONS` FROM `PATIENT_LAST_ADMISSION`;
INSERT INTO `PATIENT_LAST_ABNORMAL_LAB__sink` SELECT `PATIENT_KEY`, `TEST_NAME`, `TEST_VALUE`, `DIRECTION`, `COLLECTED_AT` FROM `PATIENT_LAST_ABNORMAL_LAB`;
INSERT INTO `PATIENT_STATUS__sink` SELECT `PATIENT_KEY`, `PATIENT_ID`, `ADMISSION_ID`, `DEPARTMENT`, `ADMISSION_DATE`, `ADMISSIONS`, `LAST_ABNORMAL_TEST`, `LAST_ABNORMAL_VALUE`, `LAST_ABNORMAL_DIRECTION`, `LAST_ABNORMAL_AT` FROM `PATIENT_STATUS`;
END;

