"""The engines that run ksql/*.sql: ksqlDB and Flink, with one interface."""
