"""A standalone Spark cluster on this machine, from the scripts in PySpark."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyspark
import requests

from pipeline.wait import until
from stack.throwaway import free_ports


@contextmanager
def cluster(folder: Path, cores: int) -> Iterator[tuple[str, str]]:
    """A master and two workers, with so many cores each.

    Gives the master's address, and that of its page with the state of all as JSON.
    """
    port, page, *pages = free_ports(4)
    master = f"spark://127.0.0.1:{port}"
    worker = ["worker.Worker", "--host", "127.0.0.1", "--cores", str(cores), "--memory", "600m"]
    commands = [
        ["master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", str(page)],
        *([*worker, "--webui-port", str(own), master] for own in pages),
    ]
    home = Path(pyspark.__file__).parent
    environment = {
        **os.environ,
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_WORKER_DIR": str(folder / "work"),
        "SPARK_DAEMON_MEMORY": "256m",
    }
    log = folder / "cluster.log"
    started = []
    try:
        for command in commands:
            program = [str(home / "bin" / "spark-class"), f"org.apache.spark.deploy.{command[0]}"]
            with log.open("a") as out:
                started.append(
                    subprocess.Popen(
                        [*program, *command[1:]], env=environment, stdout=out, stderr=out
                    )
                )
        url = f"http://127.0.0.1:{page}/json/"
        until(
            lambda: _workers(url),
            seconds=60,
            done=lambda workers: workers == 2,
            describe=lambda workers: f"{workers} workers of 2: {log.read_text()[-2000:]}",
            every=0.5,
        )
        yield master, url
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(30)


def _workers(url: str) -> int:
    try:
        return int(requests.get(url, timeout=5).json()["aliveworkers"])
    except requests.ConnectionError:
        return 0
