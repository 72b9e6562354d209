"""JSON that is not what it should be."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

_SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | st.text(max_size=4)
_KEYS = st.sampled_from(("type", "id", "index", "text", "delta"))
_JSON = st.recursive(_SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3), max_leaves=5)


def with_other_values(value: Any, data: st.DataObject) -> Any:
    """The same JSON, with one place of it holding something else or gone."""
    if not isinstance(value, (dict, list)) or not value or data.draw(st.integers(0, 3)) == 0:
        return data.draw(_JSON)
    if isinstance(value, list):
        at = data.draw(st.integers(0, len(value) - 1))
        return [*value[:at], with_other_values(value[at], data), *value[at + 1 :]]
    key = data.draw(st.sampled_from(sorted(value)))
    if data.draw(st.integers(0, 4)) == 0:
        return {name: kept for name, kept in value.items() if name != key}
    return {**value, key: with_other_values(value[key], data)}
