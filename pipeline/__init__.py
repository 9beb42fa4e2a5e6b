"""Reads the pipeline's configuration, plans the changes, and deploys them."""
