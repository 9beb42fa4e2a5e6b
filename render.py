#!.venv/bin/python
"""The command line of the pipeline. `python render.py --help` tells all."""

from pipeline import command
from pipeline.cli import app

if __name__ == "__main__":
    command.run(app)
