"""What an operator watches: the pipeline's own metrics, the rules of alerts, and Grafana."""
