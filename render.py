"""The command line of the pipeline. `python render.py --help` tells all."""

from pipeline.cli import main

if __name__ == "__main__":
    main()
