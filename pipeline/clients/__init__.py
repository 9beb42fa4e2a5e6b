"""The clients of the services, one module per API."""
