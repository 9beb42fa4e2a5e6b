"""The embedded stack: the pipeline's real services on one machine, without Docker."""
