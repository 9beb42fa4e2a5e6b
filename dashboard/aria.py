"""What screen readers are told of a component: WAI-ARIA's attributes, by Dash's keyword."""

from typing import Any


def label(text: str) -> dict[str, Any]:
    """Its name."""
    return {"aria-label": text}


def labelled_by(identifier: str) -> dict[str, Any]:
    """The component that has its name."""
    return {"aria-labelledby": identifier}


def current(what: str, *, applies: bool) -> dict[str, Any]:
    """It is the `page` one is at, or `true`: what one has chosen. Else it says that it is not."""
    return {"aria-current": what if applies else "false"}


def hidden() -> dict[str, Any]:
    """It only repeats in a picture what is said already."""
    return {"aria-hidden": "true"}
