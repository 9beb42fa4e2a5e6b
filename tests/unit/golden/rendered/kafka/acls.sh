#!/bin/sh
# Each program's rights in Kafka, least ones. Rendered from the specs: do not edit.
# BROKERS has host:port of a broker, ADMIN a file with the properties of who may give
# rights. A second run changes nothing. It takes no right away.
add() { kafka-acls --bootstrap-server "$BROKERS" --command-config "$ADMIN" --add "$@"; }

add --allow-principal User:airflow --operation Describe --group connect-abnormal-labs-hourly-sink
add --allow-principal User:airflow --operation Describe --group connect-admissions-by-age-daily-sink
add --allow-principal User:airflow --operation Describe --group connect-admissions-hourly-sink
add --allow-principal User:airflow --operation Describe --group connect-admissions-sink
add --allow-principal User:airflow --operation Describe --group connect-diagnoses-daily-sink
add --allow-principal User:airflow --operation Describe --group connect-diagnoses-sink
add --allow-principal User:airflow --operation Describe --group connect-discharges-hourly-sink
add --allow-principal User:airflow --operation Describe --group connect-labs-sink
add --allow-principal User:airflow --operation Describe --group connect-length-of-stay-daily-sink
add --allow-principal User:airflow --operation Describe --group connect-patients-sink
add --allow-principal User:airflow --operation Describe --group connect-rejects-sink
add --allow-principal User:airflow --operation Describe --group hospital-admissions-cleanse
add --allow-principal User:airflow --operation Describe --topic abnormal-labs-hourly-sink_dlq
add --allow-principal User:airflow --operation Describe --topic abnormal_labs
add --allow-principal User:airflow --operation Describe --topic abnormal_labs_hourly
add --allow-principal User:airflow --operation Describe --topic admissions-by-age-daily-sink_dlq
add --allow-principal User:airflow --operation Describe --topic admissions-hourly-sink_dlq
add --allow-principal User:airflow --operation Describe --topic admissions-sink_dlq
add --allow-principal User:airflow --operation Describe --topic admissions_by_age_daily
add --allow-principal User:airflow --operation Describe --topic admissions_by_band
add --allow-principal User:airflow --operation Describe --topic admissions_enriched
add --allow-principal User:airflow --operation Describe --topic admissions_hourly
add --allow-principal User:airflow --operation Describe --topic admissions_named
add --allow-principal User:airflow --operation Describe --topic diagnoses-daily-sink_dlq
add --allow-principal User:airflow --operation Describe --topic diagnoses-sink_dlq
add --allow-principal User:airflow --operation Describe --topic diagnoses_daily
add --allow-principal User:airflow --operation Describe --topic discharges-hourly-sink_dlq
add --allow-principal User:airflow --operation Describe --topic discharges_hourly
add --allow-principal User:airflow --operation Describe --topic labs-sink_dlq
add --allow-principal User:airflow --operation Describe --topic length-of-stay-daily-sink_dlq
add --allow-principal User:airflow --operation Describe --topic length_of_stay_daily
add --allow-principal User:airflow --operation Describe --topic patient_admissions
add --allow-principal User:airflow --operation Describe --topic patient_admissions_clean
add --allow-principal User:airflow --operation Describe --topic patient_diagnoses
add --allow-principal User:airflow --operation Describe --topic patient_diagnoses_clean
add --allow-principal User:airflow --operation Describe --topic patient_labs
add --allow-principal User:airflow --operation Describe --topic patient_labs_clean
add --allow-principal User:airflow --operation Describe --topic patient_rejects
add --allow-principal User:airflow --operation Describe --topic patients
add --allow-principal User:airflow --operation Describe --topic patients-sink_dlq
add --allow-principal User:airflow --operation Describe --topic patients_clean
add --allow-principal User:airflow --operation Describe --topic primary_diagnoses
add --allow-principal User:airflow --operation Describe --topic rejects-sink_dlq
add --allow-principal User:cleanse --operation Read --group hospital-admissions-cleanse
add --allow-principal User:cleanse --operation Read --group spark-kafka-source- --resource-pattern-type prefixed
add --allow-principal User:cleanse --operation Read --topic patient_admissions
add --allow-principal User:cleanse --operation Write --topic patient_admissions_clean
add --allow-principal User:cleanse --operation Read --topic patient_diagnoses
add --allow-principal User:cleanse --operation Write --topic patient_diagnoses_clean
add --allow-principal User:cleanse --operation Read --topic patient_labs
add --allow-principal User:cleanse --operation Write --topic patient_labs_clean
add --allow-principal User:cleanse --operation Write --topic patient_rejects
add --allow-principal User:cleanse --operation Read --topic patients
add --allow-principal User:cleanse --operation Write --topic patients_clean
add --allow-principal User:connect --operation Read --group connect
add --allow-principal User:connect --operation Delete --operation Read --group connect-abnormal-labs-hourly-sink
add --allow-principal User:connect --operation Delete --operation Read --group connect-admissions-by-age-daily-sink
add --allow-principal User:connect --operation Delete --operation Read --group connect-admissions-hourly-sink
add --allow-principal User:connect --operation Delete --operation Read --group connect-admissions-sink
add --allow-principal User:connect --operation Delete --operation Read --group connect-diagnoses-daily-sink
add --allow-principal User:connect --operation Delete --operation Read --group connect-diagnoses-sink
add --allow-principal User:connect --operation Delete --operation Read --group connect-discharges-hourly-sink
add --allow-principal User:connect --operation Delete --operation Read --group connect-labs-sink
add --allow-principal User:connect --operation Delete --operation Read --group connect-length-of-stay-daily-sink
add --allow-principal User:connect --operation Delete --operation Read --group connect-patients-sink
add --allow-principal User:connect --operation Delete --operation Read --group connect-rejects-sink
add --allow-principal User:connect --operation Write --topic abnormal-labs-hourly-sink_dlq
add --allow-principal User:connect --operation Read --topic abnormal_labs_hourly
add --allow-principal User:connect --operation Write --topic admissions-by-age-daily-sink_dlq
add --allow-principal User:connect --operation Write --topic admissions-hourly-sink_dlq
add --allow-principal User:connect --operation Write --topic admissions-sink_dlq
add --allow-principal User:connect --operation Read --topic admissions_by_age_daily
add --allow-principal User:connect --operation Read --topic admissions_hourly
add --allow-principal User:connect --operation Create --operation DescribeConfigs --operation Read --operation Write --topic connect_configs
add --allow-principal User:connect --operation Create --operation DescribeConfigs --operation Read --operation Write --topic connect_offsets
add --allow-principal User:connect --operation Create --operation DescribeConfigs --operation Read --operation Write --topic connect_status
add --allow-principal User:connect --operation Write --topic diagnoses-daily-sink_dlq
add --allow-principal User:connect --operation Write --topic diagnoses-sink_dlq
add --allow-principal User:connect --operation Read --topic diagnoses_daily
add --allow-principal User:connect --operation Write --topic discharges-hourly-sink_dlq
add --allow-principal User:connect --operation Read --topic discharges_hourly
add --allow-principal User:connect --operation Write --topic labs-sink_dlq
add --allow-principal User:connect --operation Write --topic length-of-stay-daily-sink_dlq
add --allow-principal User:connect --operation Read --topic length_of_stay_daily
add --allow-principal User:connect --operation Write --topic patient_admissions
add --allow-principal User:connect --operation Read --topic patient_admissions_clean
add --allow-principal User:connect --operation Write --topic patient_diagnoses
add --allow-principal User:connect --operation Read --topic patient_diagnoses_clean
add --allow-principal User:connect --operation Write --topic patient_labs
add --allow-principal User:connect --operation Read --topic patient_labs_clean
add --allow-principal User:connect --operation Read --topic patient_rejects
add --allow-principal User:connect --operation Write --topic patients
add --allow-principal User:connect --operation Write --topic patients-sink_dlq
add --allow-principal User:connect --operation Read --topic patients_clean
add --allow-principal User:connect --operation Write --topic rejects-sink_dlq
add --allow-principal User:deploy --operation Describe --group connect-abnormal-labs-hourly-sink
add --allow-principal User:deploy --operation Describe --group connect-admissions-by-age-daily-sink
add --allow-principal User:deploy --operation Describe --group connect-admissions-hourly-sink
add --allow-principal User:deploy --operation Describe --group connect-admissions-sink
add --allow-principal User:deploy --operation Describe --group connect-diagnoses-daily-sink
add --allow-principal User:deploy --operation Describe --group connect-diagnoses-sink
add --allow-principal User:deploy --operation Describe --group connect-discharges-hourly-sink
add --allow-principal User:deploy --operation Describe --group connect-labs-sink
add --allow-principal User:deploy --operation Describe --group connect-length-of-stay-daily-sink
add --allow-principal User:deploy --operation Describe --group connect-patients-sink
add --allow-principal User:deploy --operation Describe --group connect-rejects-sink
add --allow-principal User:deploy --operation Describe --group hospital-admissions-cleanse
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic abnormal-labs-hourly-sink_dlq
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic abnormal_labs
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic abnormal_labs_hourly
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic admissions-by-age-daily-sink_dlq
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic admissions-hourly-sink_dlq
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic admissions-sink_dlq
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic admissions_by_age_daily
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic admissions_by_band
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic admissions_enriched
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic admissions_hourly
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic admissions_named
add --allow-principal User:deploy --operation Create --operation Delete --operation Read --operation Write --topic case_ --resource-pattern-type prefixed
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic diagnoses-daily-sink_dlq
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic diagnoses-sink_dlq
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic diagnoses_daily
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic discharges-hourly-sink_dlq
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic discharges_hourly
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic labs-sink_dlq
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic length-of-stay-daily-sink_dlq
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic length_of_stay_daily
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic patient_admissions
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic patient_admissions_clean
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic patient_diagnoses
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic patient_diagnoses_clean
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic patient_labs
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic patient_labs_clean
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic patient_rejects
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic patients
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic patients-sink_dlq
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic patients_clean
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic primary_diagnoses
add --allow-principal User:deploy --operation Alter --operation AlterConfigs --operation Create --operation Delete --topic rejects-sink_dlq
add --allow-principal User:erase --operation Describe --group none
add --allow-principal User:erase --operation Read --operation Write --topic abnormal_labs
add --allow-principal User:erase --operation Read --operation Write --topic admissions-sink_dlq
add --allow-principal User:erase --operation Read --operation Write --topic admissions_by_band
add --allow-principal User:erase --operation Read --operation Write --topic admissions_enriched
add --allow-principal User:erase --operation Read --operation Write --topic admissions_named
add --allow-principal User:erase --operation Read --operation Write --topic diagnoses-sink_dlq
add --allow-principal User:erase --operation Read --operation Write --topic labs-sink_dlq
add --allow-principal User:erase --operation Read --operation Write --topic patient_admissions
add --allow-principal User:erase --operation Read --operation Write --topic patient_admissions_clean
add --allow-principal User:erase --operation Read --operation Write --topic patient_diagnoses
add --allow-principal User:erase --operation Read --operation Write --topic patient_diagnoses_clean
add --allow-principal User:erase --operation Read --operation Write --topic patient_labs
add --allow-principal User:erase --operation Read --operation Write --topic patient_labs_clean
add --allow-principal User:erase --operation Read --operation Write --topic patient_rejects
add --allow-principal User:erase --operation Read --operation Write --topic patients
add --allow-principal User:erase --operation Read --operation Write --topic patients-sink_dlq
add --allow-principal User:erase --operation Read --operation Write --topic patients_clean
add --allow-principal User:erase --operation Read --operation Write --topic primary_diagnoses
add --allow-principal User:erase --operation Read --operation Write --topic rejects-sink_dlq
add --allow-principal User:flink --operation Read --group hospital-admissions-flink --resource-pattern-type prefixed
add --allow-principal User:flink --operation Read --operation Write --topic abnormal_labs
add --allow-principal User:flink --operation Read --operation Write --topic abnormal_labs_hourly
add --allow-principal User:flink --operation Read --operation Write --topic admissions_by_age_daily
add --allow-principal User:flink --operation Read --operation Write --topic admissions_by_band
add --allow-principal User:flink --operation Read --operation Write --topic admissions_enriched
add --allow-principal User:flink --operation Read --operation Write --topic admissions_hourly
add --allow-principal User:flink --operation Read --operation Write --topic admissions_named
add --allow-principal User:flink --operation Read --operation Write --topic case_ --resource-pattern-type prefixed
add --allow-principal User:flink --operation Read --operation Write --topic diagnoses_daily
add --allow-principal User:flink --operation Read --operation Write --topic discharges_hourly
add --allow-principal User:flink --operation Read --operation Write --topic length_of_stay_daily
add --allow-principal User:flink --operation Read --topic patient_admissions_clean
add --allow-principal User:flink --operation Read --topic patient_diagnoses_clean
add --allow-principal User:flink --operation Read --topic patient_labs_clean
add --allow-principal User:flink --operation Read --topic patients_clean
add --allow-principal User:flink --operation Read --operation Write --topic primary_diagnoses
add --allow-principal User:monitor --operation Describe --group connect-abnormal-labs-hourly-sink
add --allow-principal User:monitor --operation Describe --group connect-admissions-by-age-daily-sink
add --allow-principal User:monitor --operation Describe --group connect-admissions-hourly-sink
add --allow-principal User:monitor --operation Describe --group connect-admissions-sink
add --allow-principal User:monitor --operation Describe --group connect-diagnoses-daily-sink
add --allow-principal User:monitor --operation Describe --group connect-diagnoses-sink
add --allow-principal User:monitor --operation Describe --group connect-discharges-hourly-sink
add --allow-principal User:monitor --operation Describe --group connect-labs-sink
add --allow-principal User:monitor --operation Describe --group connect-length-of-stay-daily-sink
add --allow-principal User:monitor --operation Describe --group connect-patients-sink
add --allow-principal User:monitor --operation Describe --group connect-rejects-sink
add --allow-principal User:monitor --operation Describe --group hospital-admissions-cleanse
add --allow-principal User:monitor --operation Read --group kaskade- --resource-pattern-type prefixed
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic abnormal-labs-hourly-sink_dlq
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic abnormal_labs
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic abnormal_labs_hourly
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic admissions-by-age-daily-sink_dlq
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic admissions-hourly-sink_dlq
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic admissions-sink_dlq
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic admissions_by_age_daily
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic admissions_by_band
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic admissions_enriched
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic admissions_hourly
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic admissions_named
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic diagnoses-daily-sink_dlq
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic diagnoses-sink_dlq
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic diagnoses_daily
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic discharges-hourly-sink_dlq
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic discharges_hourly
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic labs-sink_dlq
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic length-of-stay-daily-sink_dlq
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic length_of_stay_daily
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic patient_admissions
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic patient_admissions_clean
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic patient_diagnoses
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic patient_diagnoses_clean
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic patient_labs
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic patient_labs_clean
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic patient_rejects
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic patients
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic patients-sink_dlq
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic patients_clean
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic primary_diagnoses
add --allow-principal User:monitor --operation DescribeConfigs --operation Read --topic rejects-sink_dlq
add --allow-principal User:produce --operation Write --topic patient_admissions
add --allow-principal User:produce --operation Write --topic patient_diagnoses
add --allow-principal User:produce --operation Write --topic patient_labs
add --allow-principal User:produce --operation Write --topic patients
add --allow-principal User:replay --operation Describe --group none
add --allow-principal User:replay --operation Read --topic abnormal-labs-hourly-sink_dlq
add --allow-principal User:replay --operation Read --operation Write --topic abnormal_labs_hourly
add --allow-principal User:replay --operation Read --topic admissions-by-age-daily-sink_dlq
add --allow-principal User:replay --operation Read --topic admissions-hourly-sink_dlq
add --allow-principal User:replay --operation Read --topic admissions-sink_dlq
add --allow-principal User:replay --operation Read --operation Write --topic admissions_by_age_daily
add --allow-principal User:replay --operation Read --operation Write --topic admissions_hourly
add --allow-principal User:replay --operation Read --topic diagnoses-daily-sink_dlq
add --allow-principal User:replay --operation Read --topic diagnoses-sink_dlq
add --allow-principal User:replay --operation Read --operation Write --topic diagnoses_daily
add --allow-principal User:replay --operation Read --topic discharges-hourly-sink_dlq
add --allow-principal User:replay --operation Read --operation Write --topic discharges_hourly
add --allow-principal User:replay --operation Read --topic labs-sink_dlq
add --allow-principal User:replay --operation Read --topic length-of-stay-daily-sink_dlq
add --allow-principal User:replay --operation Read --operation Write --topic length_of_stay_daily
add --allow-principal User:replay --operation Read --operation Write --topic patient_admissions
add --allow-principal User:replay --operation Read --operation Write --topic patient_admissions_clean
add --allow-principal User:replay --operation Read --operation Write --topic patient_diagnoses
add --allow-principal User:replay --operation Read --operation Write --topic patient_diagnoses_clean
add --allow-principal User:replay --operation Read --operation Write --topic patient_labs
add --allow-principal User:replay --operation Read --operation Write --topic patient_labs_clean
add --allow-principal User:replay --operation Read --operation Write --topic patient_rejects
add --allow-principal User:replay --operation Read --operation Write --topic patients
add --allow-principal User:replay --operation Read --topic patients-sink_dlq
add --allow-principal User:replay --operation Read --operation Write --topic patients_clean
add --allow-principal User:replay --operation Read --topic rejects-sink_dlq
