"""What runs ksql/*.sql: ksqlDB or Flink, behind one protocol."""
