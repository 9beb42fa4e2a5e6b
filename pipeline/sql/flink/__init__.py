"""ksqlDB SQL on Apache Flink: translated, deployed, watched."""
