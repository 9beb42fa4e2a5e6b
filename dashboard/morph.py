"""Turns what a browser shows into something else in place: focus stays, and nothing flickers.

Dash draws a component anew if its children are replaced. So each component within a tile has an id,
and only the properties that differ are sent, as long as the tree has the same shape.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dash.development.base_component import Component

CHILDREN = "children"
ID = "id"
# The properties that differ, with the id of their component: a text, or Dash's mapping.
Change = tuple[str | dict[str, Any], Mapping[str, Any]]


class ShapeError(Exception):
    """Two trees are not of the same shape."""


def identified(tree: Component, prefix: str) -> Component:
    """The tree, with an id for each component that has none."""
    if getattr(tree, ID, None) is None:
        setattr(tree, ID, prefix)
    for index, child in enumerate(_children(tree)):
        if isinstance(child, Component):
            identified(child, f"{prefix}-{index}")
    return tree


def changes(old: Component, new: Component) -> list[Change]:
    """What turns the old tree into the new one.

    Raises:
        ShapeError: only to draw it anew does.
    """
    return list(_changes(old, new))


def _changes(old: Component, new: Component) -> Iterator[Change]:
    before, after = _properties(old), _properties(new)
    if type(old) is not type(new) or before.keys() != after.keys():
        raise ShapeError
    changed = {
        name: after[name] for name in after if name != CHILDREN and before[name] != after[name]
    }
    pairs = list(zip(_children(old), _children(new), strict=False))
    if len(_children(old)) != len(_children(new)):
        raise ShapeError
    if any(_differs(*pair) for pair in pairs):
        changed[CHILDREN] = after[CHILDREN]
    if changed:
        yield after[ID], changed
    for one, other in pairs:
        if isinstance(one, Component) and isinstance(other, Component):
            yield from _changes(one, other)


def _differs(old: Any, new: Any) -> bool:
    """Whether a text differs, or is where a component was."""
    if isinstance(old, Component) is not isinstance(new, Component):
        raise ShapeError
    return not isinstance(new, Component) and old != new


def _properties(tree: Component) -> dict[str, Any]:
    properties: dict[str, Any] = tree.to_plotly_json()["props"]  # type: ignore[no-untyped-call]
    return properties


def _children(tree: Component) -> Sequence[Any]:
    found = getattr(tree, CHILDREN, None)
    if found is None:
        return ()
    return found if isinstance(found, list | tuple) else (found,)
