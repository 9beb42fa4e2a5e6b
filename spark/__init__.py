"""The cleansing job: raw topics to clean topics and rejects. The project's only use of Spark."""
