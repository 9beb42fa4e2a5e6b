"""Renders the templates of connectors, within limits: a template is data, and cannot do harm."""

import json
import re
import traceback
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import yaml
from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound, TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from pipeline import textfile
from pipeline.errors import Mistake, PipelineError, SpecError
from pipeline.repository import yamlfile, yamltext
from pipeline.repository.templates import FENCE, FOLDER, end_of

LARGEST = 1_000_000
# Filters that make a text of any size out of a number.
GROWING = ("batch", "center", "format", "indent", "slice", "wordwrap")
MOST_ROUNDS = 10_000
# In a plain scalar, YAML would end the value there.
ENDS_A_VALUE = re.compile(r"\n|: | #")
# JSON allows them within a text as they are; YAML does not, or takes them for an end of line.
NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


class Renderer:
    """Renders the templates of one repository."""

    def __init__(self, root: Path) -> None:
        self._folder = root / FOLDER
        # The output is YAML: autoescape would write HTML entities into it.
        self._jinja = _Sandbox(
            loader=_Bodies(self._folder),
            undefined=StrictUndefined,
            trim_blocks=True,
            finalize=_printed,
            autoescape=False,
        )
        self._jinja.policies["json.dumps_function"] = _json
        self._jinja.globals = {name: self._jinja.globals[name] for name in ("dict", "namespace")}
        for name in GROWING:
            del self._jinja.filters[name]

    def render(self, name: str, variables: Mapping[str, Any], spec: Path) -> dict[str, str]:
        """The properties that a template yields, as texts. `spec` is the spec's file, for messages.

        Raises:
            SpecError: the template cannot be rendered, or does not yield properties.
        """
        file = self._folder / name
        node = yamltext.compose(file, self._text(file, variables, spec), yamltext.Words)
        if not isinstance(node, yaml.MappingNode):
            raise SpecError((Mistake(file, None, "", "must yield a mapping of properties"),))
        properties = yamltext.value(file, node, yamltext.Words)
        unfit = (
            Mistake(file, line_of(file, str(key)), str(key), message)
            for key, value in properties.items()
            if (message := _unfit(key, value))
        )
        mistakes = yamlfile.few(file, unfit)
        if mistakes:
            raise SpecError(mistakes)
        return {key: str(_written(value)) for key, value in properties.items()}

    def _text(self, file: Path, variables: Mapping[str, Any], spec: Path) -> str:
        try:
            rounds = _Rounds()
            template = self._jinja.get_template(file.name)
            return "".join(_limited(template.generate({**variables, "range": rounds.range})))
        except PipelineError:
            raise
        # What a template's expressions do, Python's errors tell: any of them.
        except Exception as error:
            line = error.lineno if isinstance(error, TemplateSyntaxError) else _line(error, file)
            missing = isinstance(error, TemplateNotFound)
            told = f"{error} is missing" if missing else f"{type(error).__name__}: {error}"
            message = f"cannot be rendered for {spec}: {told}"
            raise SpecError((Mistake(file, line, "", message),)) from None


def line_of(file: Path, key: str) -> int | None:
    """Where a template writes a property; None if it has no line that begins with its name."""
    lines = textfile.read(file).split("\n")
    begin = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*:")
    return next((at for at, line in enumerate(lines, 1) if begin.match(line)), None)


class _Sandbox(SandboxedEnvironment):
    """Jinja without access to Python, and without numbers and texts that fill the memory."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return not isinstance(obj, str | bytes) and super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" and not (abs(left) < 1000 and abs(right) < 100):
            raise ValueError(f"{left} ** {right} is too large")
        if operator == "%" and not isinstance(left, int | float):
            raise ValueError("% is for numbers: write texts with ~")
        if operator == "*":
            _check_product(left, right)
        return super().call_binop(context, operator, left, right)


def _check_product(left: Any, right: Any) -> None:
    for part, times in ((left, right), (right, left)):
        is_repeated = isinstance(part, str | list | tuple) and isinstance(times, int)
        if is_repeated and len(part) * times > LARGEST:
            raise ValueError(f"a text times {times} is too large")
        if isinstance(part, int) and abs(part) >= yamltext.LARGEST_INTEGER:
            raise ValueError("the number is too large")


class _Rounds:
    """Counts the rounds of all loops of one template over numbers."""

    def __init__(self) -> None:
        self._left = MOST_ROUNDS

    def range(self, *arguments: int) -> range:
        wanted = range(*arguments)
        self._left -= len(wanted)
        if self._left < 0:
            raise OverflowError(f"more than {MOST_ROUNDS} rounds of range()")
        return wanted


class _Bodies(BaseLoader):
    """Loads templates with blank lines in place of the header, so that line numbers stay right."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Any]:
        del environment
        file = self._folder / Path(template).name
        if not textfile.exists(file):
            raise TemplateNotFound(str(file))
        text = textfile.read(file)
        lines = text.split("\n")
        if lines[0] == FENCE and FENCE in lines[1:]:
            end = end_of(lines) + 1
            text = "\n".join([""] * end + lines[end:])
        return text, str(file), lambda: True


def _json(value: Any, **options: Any) -> str:
    """JSON that YAML can read: an emoji as it is, where JSON's way is two halves of one."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, **options)
    return NOT_IN_YAML.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def _written(value: Any) -> Any:
    """A value as Kafka Connect writes it: its lists have commas."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ",".join(str(_written(item)) for item in value)
    return value


def _printed(value: Any) -> Any:
    """What a template writes for the value of an expression."""
    if isinstance(value, Markup):
        return value
    if value is None:
        raise ValueError("a variable has no value (null): write the line within {% if … %}")
    if isinstance(value, dict):
        raise TypeError("a variable is a mapping: write it with | tojson")
    if isinstance(value, str) and ENDS_A_VALUE.search(value):
        raise ValueError(f"{value[:40]!r} would end too early in YAML: write it with | tojson")
    return _written(value)


def _unfit(key: Any, value: Any) -> str:
    """Why a key and a value of the rendered YAML are no property; "" if they are one."""
    if not isinstance(key, str):
        return "is no name of a property"
    if value is None:
        return 'has no value: give one, or write ""'
    items = value if isinstance(value, list) else [value]
    if any(isinstance(item, dict | list) or item is None for item in items):
        return "must be a text, or a list of texts"
    return ""


def _limited(parts: Iterator[str]) -> Iterator[str]:
    size = 0
    for part in parts:
        size += len(part)
        if size > LARGEST:
            raise OverflowError(f"it writes more than {LARGEST // 1000} kB")
        yield part


def _line(error: Exception, file: Path) -> int | None:
    frames = traceback.extract_tb(error.__traceback__)
    found = (frame.lineno for frame in reversed(frames) if frame.filename == str(file))
    return next(islice(found, 1), None)
