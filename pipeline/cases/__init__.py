"""Test cases of ksql/ and spark/rules.yaml: input records and expected rows."""
