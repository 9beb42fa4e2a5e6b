"""`make powerbi`: writes the measures and the template, or says what is wrong with their files."""

from pipeline import command
from pipeline.paths import here
from powerbi import build


def main() -> None:
    """Prints what it has written."""
    for file in build.build(here()):
        print(f"{file}: written")
    print(f"{build.TEMPLATE} has what {build.MODEL.parts[0]}/ and metrics.yaml say")


if __name__ == "__main__":
    command.run(main)
