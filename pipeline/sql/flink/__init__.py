"""Translates ksqlDB's SQL to Flink SQL."""
