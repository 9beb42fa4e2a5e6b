"""Writes what the repository declares to files: for people to review, or for Kubernetes."""

from pathlib import Path

from pipeline.clients.postgres import ROLE_PASSWORDS
from pipeline.engines import choice
from pipeline.kubernetes import manifests
from pipeline.options import Format
from pipeline.repository import desired as declarations
from pipeline.repository import loader, rendered, rights
from pipeline.repository import target as targets


def write(root: Path, target_name: str, form: Format, folder: Path) -> list[Path]:
    """Writes a file per resource to a folder, deletes old files there, and returns the files.

    Raises:
        PipelineError: the repository or the target has mistakes, or the folder is not ours.
    """
    target = targets.load(root, target_name)
    project = loader.load(root, target)
    jobs = choice.translated(project, target)
    desired = declarations.render(project, target.pipeline, (), target.variables)
    if form is Format.STRIMZI:
        return rendered.put(manifests.of(project, target, desired, ROLE_PASSWORDS.values()), folder)
    translated = [(job.statement.name, job.text) for job in jobs]
    needed = rights.rights(project, desired, target)
    return rendered.write(desired, translated, needed, folder)
