"""The pipeline as configuration: read it, plan it, make it so."""
