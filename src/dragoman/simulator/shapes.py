"""JSON of unknown shape, read without complaint: what is not of the wanted shape counts as empty."""

from __future__ import annotations

from typing import Any, cast


def as_dict(value: Any) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    # The cast says what JSON guarantees: the keys of an object are strings.
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """The value if it is an array, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def as_dicts(value: Any) -> list[dict[str, Any]]:
    """The objects among the items of an array."""
    return [cast("dict[str, Any]", one) for one in as_list(value) if isinstance(one, dict)]
