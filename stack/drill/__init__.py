"""Faults that an operator fears, on a running pipeline, and what each one costs."""
