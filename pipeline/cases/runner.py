"""Loads and runs the test cases: those of ksql/ on an engine, those of the rules in Spark."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pipeline.cases import files, trial
from pipeline.cases.files import Case
from pipeline.cases.rows import Difference, written
from pipeline.errors import Mistake, PipelineError, SpecError, UsageError
from pipeline.repository import rules
from pipeline.repository.project import Project
from pipeline.services import Services

# A case is a chain of short jobs: two cases are enough for two cores.
CONCURRENCY = 2


@dataclass(frozen=True)
class Result:
    """The result of a case: its file, line and name, and its problems (none if it passed)."""

    place: str
    problems: tuple[str, ...]


def load(root: Path, chosen: Iterable[Path], project: Project) -> tuple[Case, ...]:
    """Reads the cases in the chosen files; without any, all cases of the repository.

    Raises:
        UsageError: there are no cases.
        SpecError: files have mistakes; the error has those of all files.
    """
    mistakes: list[Mistake] = []
    cases: list[Case] = []
    for file in files.find(root, chosen):
        try:
            cases += files.load(file)
        except SpecError as error:
            mistakes += error.mistakes
    for case in cases:
        mistakes += files.check(case, project.schemas)
    if mistakes:
        raise SpecError(tuple(mistakes))
    if not cases:
        raise UsageError(f"there are no cases in {' and '.join(files.FOLDERS)}")
    return tuple(cases)


def run(
    root: Path,
    cases: Sequence[Case],
    project: Project,
    services: Callable[[], Services],
    report: Callable[[Result], None],
) -> int:
    """Runs all cases, those of the rules last; returns the number of failed cases.

    `services` is called only if there are cases of ksql/. `report` gets each result.
    """
    failed = 0
    for result in _results(root, cases, project, services):
        report(result)
        failed += bool(result.problems)
    return failed


def _results(
    root: Path, cases: Sequence[Case], project: Project, services: Callable[[], Services]
) -> Iterator[Result]:
    folder = (root / rules.FILE.parent).resolve()
    of_rules = [case for case in cases if folder in case.file.resolve().parents]
    of_ksql = [case for case in cases if case not in of_rules]
    if of_ksql:
        clients = services()
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            yield from pool.map(
                lambda case: _result(case, lambda item: trial.run(item, project, clients)), of_ksql
            )
    if of_rules:
        # Imported only here, because Spark takes seconds to import and to start.
        from spark import cases as cleansing  # noqa: PLC0415

        started = cleansing.start(root, project.schemas)
        yield from (_result(case, started.run) for case in of_rules)


def _result(case: Case, run: Callable[[Case], tuple[Difference, ...]]) -> Result:
    place = f"{case.file}:{case.line}: {case.name}"
    try:
        differences = run(case)
    except PipelineError as error:
        return Result(place, (str(error),))
    return Result(place, tuple(line for item in differences for line in _lines(item)))


def _lines(difference: Difference) -> Iterable[str]:
    yield f"{difference.topic}:"
    for row in difference.missing:
        yield f"  expected, not there: {written(row)}"
    for row in difference.unexpected:
        yield f"  there, not expected: {written(row)}"
