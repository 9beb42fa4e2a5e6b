"""A tree of components becomes another in place, if both have the same shape."""

import pytest
from dash import html
from dash.development.base_component import Component

from dashboard.morph import ShapeError, changes, identified


def _tree(name: str, *amounts: object) -> Component:
    items = [html.Li([html.Span(name), html.B(str(amount), title="x")]) for amount in amounts]
    return identified(html.Ul(items, className="bars"), "t")


def test_only_what_differs_is_changed() -> None:
    assert changes(_tree("a", 1, 2), _tree("a", 1, 2)) == []
    assert changes(_tree("a", 1, 2), _tree("a", 1, 3)) == [("t-1-1", {"children": "3"})]


def test_properties_differ_too() -> None:
    old, new = (identified(html.A("x", href=href), "t") for href in ("/a", "/b"))
    assert changes(old, new) == [("t", {"href": "/b"})]


def test_an_id_that_is_a_mapping_stays_one() -> None:
    old, new = (html.B(text, id={"date": "from"}) for text in "ab")
    assert changes(old, new) == [({"date": "from"}, {"children": "b"})]


@pytest.mark.parametrize(
    "other",
    [
        _tree("a", 1),
        identified(html.Ol([], className="bars"), "t"),
        identified(html.Ul([html.Li(), html.Li()]), "t"),
        identified(html.Ul(["a", "b"], className="bars"), "t"),
    ],
)
def test_another_shape_is_drawn_anew(other: Component) -> None:
    with pytest.raises(ShapeError):
        changes(_tree("a", 1, 2), other)
