"""Where two JSON values differ, as paths that a reader finds again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_SHOWN = 120


def differences(was: Any, now: Any, path: str = "$", *, empty_is_nothing: bool = False) -> Iterator[str]:
    """One line for each place. Numbers are equal by value, as in JSON (1 and 1.0); true is no number.

    `empty_is_nothing`: what was null, zero or empty (or held nothing else) said nothing, and may be gone; what is new may have come of
    itself.
    """
    if empty_is_nothing and _is_empty(was):
        return
    if isinstance(was, dict) and isinstance(now, dict):
        for key in {**was, **now}:
            if key not in now:
                if empty_is_nothing and _is_empty(was[key]):
                    continue
                yield f"`{path}.{key}`: {_short(was[key])} is gone"
            elif key not in was:
                if empty_is_nothing:
                    continue
                yield f"`{path}.{key}`: {_short(now[key])} came from nowhere"
            else:
                yield from differences(was[key], now[key], f"{path}.{key}", empty_is_nothing=empty_is_nothing)
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for at, (left, right) in enumerate(zip(was, now, strict=True)):
            yield from differences(left, right, f"{path}[{at}]", empty_is_nothing=empty_is_nothing)
    elif was != now or isinstance(was, bool) is not isinstance(now, bool):
        yield f"`{path}`: {_short(was)} became {_short(now)}"


def _is_empty(value: Any) -> bool:
    if isinstance(value, (dict, list)):
        return all(_is_empty(each) for each in (value.values() if isinstance(value, dict) else value))
    return not value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
