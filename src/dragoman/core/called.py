"""Which tools an answer calls, read off its bytes once it is over, as its dialect says.

Only what looks like a call is parsed. Everything takes answers that are wrong, and finds nothing in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from dragoman.dialects.glance import Called, Calls, decode
from dragoman.ir.record import ToolCall

_MOST = 256
_DATA = b"data:"


def calls_in(calls: Calls, answer: bytes) -> list[ToolCall]:
    """The calls of an answer, a stream or a whole one; at most 256."""
    for mark in calls.marks:
        if mark in answer:
            break
    else:
        return []
    is_whole = answer.lstrip()[:1] == b"{"
    found = calls.whole(answer) if is_whole else calls.stream(_frames(answer, calls.marks))
    return [_call(called) for called in islice(found, _MOST)]


def _call(called: Called) -> ToolCall:
    call_id, name, arguments, executor = called
    return ToolCall(call_id, name, arguments, command_in(arguments), len(arguments.encode("utf-8", "replace")), executor)


def _frames(answer: bytes, marks: tuple[bytes, ...]) -> Iterator[bytes]:
    """The data of the events that hold one of the marks."""
    size = len(answer)
    # Of each mark the next place: it is looked for again once that is passed. One that is rare would be looked for to the end each time.
    places = {mark: answer.find(mark) for mark in marks}
    while (place := min([place for place in places.values() if place >= 0], default=size)) < size:
        start = answer.rfind(b"\n", 0, place) + 1
        end = answer.find(b"\n", place)
        at = size if end < 0 else end + 1
        places = {mark: answer.find(mark, at) if 0 <= next_place < at else next_place for mark, next_place in places.items()}
        line = answer[start:at].strip()
        if line.startswith(_DATA):
            yield line[len(_DATA) :]


# ---- commands ------------------------------------------------------------------------------------------------------------


_BEFORE = re.compile(r"\s*(?:cd\s+\S+\s*(?:&&|;)|[A-Za-z_]\w*=\S*|sudo|time|env|exec|command|nohup)\s+")
_SHELLS = frozenset({"bash", "sh", "zsh", "fish", "dash", "pwsh", "cmd"})
_WORD = re.compile(r"[\w./+-]+")
_WITH_A_WORD = frozenset(
    {
        *("git", "gh", "npm", "npx", "pnpm", "yarn", "bun", "node", "deno", "cargo", "rustup", "go", "dotnet", "mvn", "gradle", "make"),
        *("python", "python3", "pip", "uv", "poetry", "docker", "kubectl", "terraform", "aws", "gcloud", "az"),
        *("apt", "apt-get", "brew", "systemctl"),
    }
)
_COMMAND_FIELDS = ("cmd", "command", "script")
_LONGEST = 60


def command_in(arguments: str) -> str | None:
    """What is run, where these arguments say so: the program, and with some its first word (`git diff`). Nothing more of them: the
    rest may be anybody's secret."""
    if not any(f'"{name}"' in arguments for name in _COMMAND_FIELDS):
        return None
    given = decode(arguments.encode("utf-8", "replace"), dict[str, Any]) or {}
    said = next((given[name] for name in _COMMAND_FIELDS if given.get(name)), None)
    if isinstance(said, list):
        words = [str(word) for word in said]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        said = words[-1] if len(words) > 2 and words[0].rpartition("/")[2] in _SHELLS else " ".join(words)
    return _program(said) if isinstance(said, str) else None


def _program(line: str) -> str | None:
    line = line[:1000]
    while (before := _BEFORE.match(line)) is not None:
        line = line[before.end() :]
    words = line.split(maxsplit=2)
    if not words or _WORD.fullmatch(words[0]) is None:
        return None
    name = words[0].rpartition("/")[2]
    if name in _WITH_A_WORD and len(words) > 1 and words[1].isalpha():
        name = f"{name} {words[1]}"
    return name[:_LONGEST] or None
