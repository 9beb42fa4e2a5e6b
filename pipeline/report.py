"""Plans as text and as JSON, without secrets."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from rich.console import Console
from rich.markup import escape

from pipeline.change import STATEMENT, Action, Change, Edit
from pipeline.plan import Plan
from pipeline.repository.confidential import HIDDEN, SHORTEST, hidden
from pipeline.resources.resource import Outcome

NOTHING = "Nothing to change: what runs is what is declared."
SIGNS = {
    Action.CREATE: "[green]+[/]",
    Action.UPDATE: "[yellow]~[/]",
    Action.RESTART: "[yellow]↻[/]",
    Action.RECREATE: "[red]±[/]",
    Action.DELETE: "[red]-[/]",
}
# Characters of a value that are shown. A longer value is cut to the part that differs.
SHOWN = 72


def redact(text: str, secrets: Iterable[str]) -> str:
    """The text with *** in place of every secret.

    Longer ones first: one may be a part of another. A trivial one is none.
    """
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST:
            text = text.replace(secret, HIDDEN)
    return text


def redacted(data: Any, secrets: tuple[str, ...]) -> Any:
    """Data for JSON, text by text: as a whole it might be JSON no more."""
    if isinstance(data, Mapping):
        return {key: redacted(value, secrets) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [redacted(item, secrets) for item in data]
    return redact(data, secrets) if isinstance(data, str) else data


def safe(plan: Plan, secrets: Iterable[str] = ()) -> Plan:
    """The plan without secrets.

    It hides the given secrets, and every password that somebody wrote into a live connector's
    configuration.
    """
    clear = {secret for problem in plan.problems for secret in problem.secrets}
    values = (*secrets, *clear)
    changes = tuple(
        replace(
            change,
            note=redact(change.note, values),
            edits=tuple(_safe_edit(edit, values) for edit in change.edits),
        )
        for change in plan.changes
    )
    problems = tuple(replace(p, message=redact(p.message, values)) for p in plan.problems)
    remarks = tuple(redact(remark, values) for remark in plan.remarks)
    unseen = tuple(redact(text, values) for text in plan.unseen)
    return replace(plan, changes=changes, problems=problems, remarks=remarks, unseen=unseen)


def _safe_edit(edit: Edit, secrets: tuple[str, ...]) -> Edit:
    return replace(
        edit,
        before=_safe_value(edit.key, edit.before, secrets),
        after=_safe_value(edit.key, edit.after, secrets),
    )


def _safe_value(key: str, value: str | None, secrets: tuple[str, ...]) -> str | None:
    if value is None:
        return None
    return redact(hidden(key, value), secrets)


def plan_json(plan: Plan) -> str:
    """The plan as JSON.

    {"changes": [{kind, name, action, edits: [{key, before, after}], note}], "problems": [],
    "leftovers": [], "remarks": [], "unseen": []}.
    """
    return _json(plan, [_change(change) for change in plan.changes])


def outcome_json(plan: Plan, outcome: Outcome, redacted: Callable[[str], str]) -> str:
    """The plan as JSON, each change with its outcome: done, error or not made, and the message."""
    said = {change.key: ("error" if e else "done", e) for change, e in outcome.results}
    said |= {change.key: ("not made", reason) for change, reason in outcome.left}
    changes = []
    for change in plan.changes:
        word, message = said[change.key]
        told = redacted(message) if message else None
        changes.append({**_change(change), "outcome": word, "message": told})
    return _json(plan, changes)


def problems_json(plan: Plan) -> str:
    """{"problems": [{kind, name, message}]}. The name is "" if one concerns its whole kind."""
    problems = [{"kind": p.kind, "name": p.name, "message": p.message} for p in plan.problems]
    return json.dumps({"problems": problems}, indent=2, ensure_ascii=False)


def last_line(outcome: Outcome, states: Iterable[str]) -> str:
    """What a deployment made, and what is left in which state."""
    failed, left = len(outcome.results) - len(outcome.made), len(outcome.left)
    total = len(outcome.results) + left
    told = [f"{len(outcome.made)} of {total} {'change' if total == 1 else 'changes'} made"]
    told += [f"{failed} failed"] if failed else []
    told += [f"{left} not tried"] if left else []
    now = ", ".join(states)
    return f"{', '.join(told)}.{f' Now: {now}.' if now else ''}"


def _change(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "name": change.name,
        "action": change.action,
        "edits": [_edit(edit) for edit in change.edits],
        "note": change.note,
    }


def _edit(edit: Edit) -> dict[str, Any]:
    """The edit; with its origin only if it has one."""
    return {key: value for key, value in asdict(edit).items() if key != "origin" or value}


def _json(plan: Plan, changes: list[dict[str, Any]]) -> str:
    content = {
        "changes": changes,
        "problems": [problem.message for problem in plan.problems],
        "leftovers": plan.leftovers,
        "remarks": plan.remarks,
        "unseen": plan.unseen,
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def print_plan(plan: Plan, console: Console) -> None:
    """Prints the plan as a diff, key by key, and a summary."""
    for change in plan.changes:
        note = f"  {escape(change.note)}" if change.note else ""
        console.print(f"{headline(change)}{note}", soft_wrap=True, highlight=False)
        # The keys of a new resource are in its file. A deleted one needs only its name.
        if change.action in {Action.UPDATE, Action.RECREATE}:
            for edit in change.edits:
                origin = f"  [dim]{escape(edit.origin)}[/]" if edit.origin else ""
                console.print(f"      {_edit_line(edit)}{origin}", soft_wrap=True, highlight=False)
    told = summary(plan)
    if told:
        console.print(told, soft_wrap=True, highlight=False, markup=False)


def headline(change: Change) -> str:
    """One change in one line, as Rich markup."""
    return f"  {SIGNS[change.action]} {change.kind:<8} {escape(change.name)}"


def summary(plan: Plan) -> str:
    """The number of changes by action, the leftovers, and the remarks."""
    remarks = [
        *filter(None, [leftovers(plan)]),
        *(f"Left alone: {r}." for r in plan.remarks),
        *(f"Not seen: {u}." for u in plan.unseen),
    ]
    if not plan.changes:
        nothing = [] if plan.leftovers or plan.problems else [NOTHING]
        return "\n".join([*nothing, *remarks])
    counts = [
        f"{count} to {action}"
        for action in Action
        if (count := sum(change.action is action for change in plan.changes))
    ]
    return "\n".join([f"{', '.join(counts)}.", *remarks])


def leftovers(plan: Plan) -> str:
    """What is still there and is not declared any more; "" if there is nothing."""
    if not plan.leftovers:
        return ""
    them = "it" if len(plan.leftovers) == 1 else "them"
    names = ", ".join(plan.leftovers)
    return f"Not declared any more, but still there: {names}. --prune deletes {them}."


def _edit_line(edit: Edit) -> str:
    if edit.key == STATEMENT:
        if edit.before is not None:
            return f"[red]- {escape(edit.before)}[/]"
        return f"[green]+ {escape(edit.after or '')}[/]"
    before, after = _around_difference(edit.before, edit.after)
    if edit.before is None:
        return f"[green]+ {escape(edit.key)}: {escape(after)}[/]"
    if edit.after is None:
        return f"[red]- {escape(edit.key)}: {escape(before)}[/]"
    return f"[yellow]~ {escape(edit.key)}: {escape(before)} → {escape(after)}[/]"


def _around_difference(before: str | None, after: str | None) -> tuple[str, str]:
    old, new = before or "", after or ""
    pairs = zip(old, new, strict=False)
    same = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(old), len(new)))
    start = max(0, same - SHOWN // 3) if max(len(old), len(new)) > SHOWN else 0
    return _cut(old, start), _cut(new, start)


def _cut(text: str, start: int) -> str:
    end = start + SHOWN
    return ("…" if start else "") + text[start:end] + ("…" if len(text) > end else "")
