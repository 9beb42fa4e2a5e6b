"""What the DAGs are made of: hooks, sensors, checks and alerts over the clients of pipeline/."""
