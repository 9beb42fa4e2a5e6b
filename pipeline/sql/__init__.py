"""The SQL of ksql/: parsing its statements, comparing them, and translating them to Flink."""
