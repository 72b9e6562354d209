"""Writes a draft as YAML, as a person would: blocks where there is much to say, one line where there is little, remarks above."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from dragoman.config.importers.draft import Draft
from dragoman.config.problems import Path

_WIDTH = 110
_STEP = "  "


def write_yaml(draft: Draft, opening: str) -> str:
    """The text of the file, with `opening` as its first comment."""
    lines = [f"# {line}" for line in opening.splitlines()]
    for name, value in draft.document().items():
        lines += ["", *_entry(name, value, "", (name,), draft.remarks)]
    return "\n".join(lines) + "\n"


def _entry(name: str, value: Any, indent: str, path: Path, remarks: Mapping[Path, list[str]]) -> Iterator[str]:
    yield from (f"{indent}# {line}" for line in remarks.get(path, ()))
    key = _flow(name)
    one_line = f"{indent}{key}: {_flow(value)}"
    if _is_plain(value) or (_is_small(value, path, remarks) and len(one_line) <= _WIDTH and indent):
        yield one_line
        return
    yield f"{indent}{key}:"
    yield from _block(value, indent + _STEP, path, remarks)


def _block(value: Any, indent: str, path: Path, remarks: Mapping[Path, list[str]]) -> Iterator[str]:
    if isinstance(value, dict):
        items: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
        for name, inner in items.items():
            yield from _entry(name, inner, indent, (*path, name), remarks)
        return
    for place, item in enumerate(value):
        here = (*path, place)
        yield from (f"{indent}# {line}" for line in remarks.get(here, ()))
        one_line = f"{indent}- {_flow(item)}"
        if _is_plain(item) or (_is_small(item, here, remarks) and len(one_line) <= _WIDTH):
            yield one_line
            continue
        first, *rest = _block(item, indent + _STEP, here, remarks)
        yield f"{indent}- {first.lstrip()}"
        yield from rest


def _is_plain(value: Any) -> bool:
    return not isinstance(value, dict | list) or not value


def _is_small(value: Any, path: Path, remarks: Mapping[Path, list[str]]) -> bool:
    """Whether it may stand in one line: nothing deep, and no remark within."""
    return _depth(value) <= 3 and not any(known[: len(path)] == path and len(known) > len(path) for known in remarks)


def _depth(value: Any) -> int:
    inner: list[Any] = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return 1 + max(map(_depth, inner), default=0) if inner else 0


def _flow(value: Any) -> str:
    """The value in one line; in a list, so that marks which mean something between brackets are quoted."""
    text = yaml.safe_dump([_tidied(value)], default_flow_style=True, width=float("inf"), allow_unicode=True, sort_keys=False)
    return text.strip()[1:-1]


def _tidied(value: Any) -> Any:
    """Whole numbers without a point."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        items: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
        return {name: _tidied(inner) for name, inner in items.items()}
    return [_tidied(inner) for inner in value] if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType]
