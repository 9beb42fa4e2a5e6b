"""Reads the repository's files. Needs no service."""
