"""Erases a person from topics, tables, the state of queries, and their files."""
