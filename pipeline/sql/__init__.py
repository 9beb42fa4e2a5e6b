"""The SQL of ksql/: statements, what reads them, and how they run on Flink."""
