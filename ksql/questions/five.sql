-- Five example queries, for the CLIs of ksqlDB and Flink: make ksql F=ksql/questions/five.sql
-- Without EMIT CHANGES, they are answered from what there is now, and end, however few rows that is.
-- Which glucose results are out of range, and how far?
SELECT LAB_ID, TEST_VALUE, DIRECTION, DEVIATION FROM ABNORMAL_LABS
  WHERE TEST_CODE = '2345-7' LIMIT 3;
-- Who came to Intensive Care?
SELECT ADMISSION_ID, PATIENT_ID, ADMISSION_DATE FROM ADMISSIONS_NAMED
  WHERE DEPARTMENT = 'Intensive Care' LIMIT 3;
-- Who stays longer than ten days?
SELECT ADMISSION_ID, DEPARTMENT, LENGTH_OF_STAY_HOURS FROM ADMISSIONS_NAMED
  WHERE LENGTH_OF_STAY_HOURS > 240 LIMIT 3;
-- Who has a heart attack, and where?
SELECT PATIENT_ID, DEPARTMENT, DIAGNOSED_AT FROM PRIMARY_DIAGNOSES
  WHERE DIAGNOSIS_CODE = 'I21.4' LIMIT 3;
-- When does the first admission leave?
SELECT DEPARTMENT, DISCHARGE_DATE FROM ADMISSIONS_NAMED
  WHERE ADMISSION_ID = 'A1000000' LIMIT 1;
