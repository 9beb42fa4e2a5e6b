"""Whether a part of Airflow is healthy: `python -m scripts.health URL PART`, for compose.yaml."""

import sys

import requests

# What our daemons are called in Airflow's answer.
PARTS = {
    "api": "metadatabase",
    "scheduler": "scheduler",
    "dags": "dag_processor",
    "triggerer": "triggerer",
}


def airflow(url: str, part: str) -> bool:
    """Asks Airflow's API server at `url` about one of PARTS; False, if it does not answer."""
    try:
        answer = requests.get(f"{url}/api/v2/monitor/health", timeout=5)
    except requests.RequestException:
        return False
    return answer.ok and answer.json().get(PARTS[part], {}).get("status") == "healthy"


if __name__ == "__main__":
    sys.exit(not airflow(sys.argv[1], sys.argv[2]))
