"""Reads the files of the repository. No network."""
