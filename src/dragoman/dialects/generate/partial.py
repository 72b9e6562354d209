"""Arguments of a call that arrive as patches: `partialArgs`, each a JSONPath and a value, strings in several pieces.

https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling (streaming function call arguments)
"""

from __future__ import annotations

import itertools
import re
from typing import Any

from dragoman.dialects.remainder import JsonObject, objects

_STEP = re.compile(r"""\.([^.\[\]]+)|\[(\d+)\]|\[(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\]""")
_ESCAPE = re.compile(r"\\(.)")
_LONGEST_LIST = 10_000

_Step = str | int


class PartialArguments:
    """Feed it the `partialArgs` of every part of one call; `value` is the arguments so far."""

    def __init__(self, value: JsonObject) -> None:
        self.value = value
        self._going_on: set[str] = set()

    def feed(self, patches: Any) -> None:
        """Take the patches of one part. What is no patch is passed over."""
        for patch in objects(patches):
            path = patch.get("jsonPath")
            if isinstance(path, str):
                self._apply(path, patch)

    def _apply(self, path: str, patch: JsonObject) -> None:
        steps = _steps(path)
        if not steps:
            return
        value = _value(patch)
        holder = _holder(self.value, steps)
        if holder is None:
            return
        if path in self._going_on and isinstance(value, str):
            known = _get(holder, steps[-1])
            value = known + value if isinstance(known, str) else value
        _set(holder, steps[-1], value)
        (self._going_on.add if patch.get("willContinue") else self._going_on.discard)(path)


def _steps(path: str) -> list[_Step]:
    steps: list[_Step] = []
    for name, index, single, double in _STEP.findall(path):
        steps.append(int(index) if index else name or _ESCAPE.sub(r"\1", single or double))
    return steps


def _value(patch: JsonObject) -> Any:
    for name in ("stringValue", "numberValue", "boolValue"):
        if name in patch:
            return patch[name]
    return None


def _holder(root: Any, steps: list[_Step]) -> Any:
    """What the last step names a member of, made where it is missing; None where the path doesn't fit what is there."""
    here: Any = root
    for step, following in itertools.pairwise(steps):
        inside: Any = _get(here, step)
        if not _holds(inside):
            inside = _empty(following)
            if not _set(here, step, inside):
                return None
        here = inside
    return here


def _holds(value: Any) -> bool:
    return isinstance(value, (dict, list))


def _empty(step: _Step) -> Any:
    return [] if isinstance(step, int) else {}


def _get(holder: Any, step: _Step) -> Any:
    if isinstance(holder, dict):
        return holder.get(step)  # pyright: ignore[reportUnknownVariableType,reportUnknownMemberType]
    if isinstance(holder, list) and isinstance(step, int) and step < len(holder):  # pyright: ignore[reportUnknownArgumentType]
        return holder[step]  # pyright: ignore[reportUnknownVariableType]
    return None


def _set(holder: Any, step: _Step, value: Any) -> bool:
    if isinstance(holder, dict) and isinstance(step, str):
        holder[step] = value
        return True
    if isinstance(holder, list) and isinstance(step, int) and step < _LONGEST_LIST:
        entries: list[Any] = holder  # pyright: ignore[reportUnknownVariableType]
        entries.extend([None] * (step + 1 - len(entries)))
        entries[step] = value
        return True
    return False
