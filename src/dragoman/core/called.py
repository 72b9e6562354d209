"""Which tools an answer calls, read off its bytes once it is over: a table by the dialect that it is in.

Only what looks like a call is parsed. Everything takes answers that are wrong, and finds nothing in them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import msgspec

from dragoman.ir.record import ToolCall

_MOST = 256
_DATA = b"data:"
_T = TypeVar("_T")


def calls_in(dialect: str, answer: bytes) -> list[ToolCall]:
    """The calls of an answer, a stream or a whole one; at most 256."""
    found = _READERS.get(dialect)
    if found is None or not any(mark in answer for mark in found.marks):
        return []
    if answer.lstrip()[:1] == b"{":
        return list(found.whole(answer))[:_MOST]
    return list(found.stream(_frames(answer, found.marks)))[:_MOST]


def _call(call_id: str, name: str, arguments: str) -> ToolCall:
    return ToolCall(call_id, name, arguments, command_in(arguments), len(arguments.encode("utf-8", "replace")))


def _frames(answer: bytes, marks: tuple[bytes, ...]) -> Iterator[bytes]:
    """The data of the events that hold one of the marks."""
    at, size = 0, len(answer)
    while at < size:
        places = [place for mark in marks if (place := answer.find(mark, at)) >= 0]
        if not places:
            return
        start = answer.rfind(b"\n", 0, min(places)) + 1
        end = answer.find(b"\n", min(places))
        at = size if end < 0 else end + 1
        line = answer[start:at].strip()
        if line.startswith(_DATA):
            yield line[len(_DATA) :]


def _decoded(data: bytes, kind: type[_T]) -> _T | None:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _text(value: Any) -> str:
    """Arguments as text, whether they came so or as an object."""
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()


# ---- responses -----------------------------------------------------------------------------------------------------------


class _Item(msgspec.Struct, gc=False):
    type: str = ""
    name: str | None = None
    namespace: str | None = None
    call_id: str | None = None
    id: str | None = None
    arguments: Any = None
    input: Any = None
    action: Any = None


class _Done(msgspec.Struct, gc=False):
    type: str = ""
    item: _Item | None = None


class _Response(msgspec.Struct, gc=False):
    output: list[_Item] = []


def _responses_stream(frames: Iterable[bytes]) -> Iterator[ToolCall]:
    for frame in frames:
        done = _decoded(frame, _Done)
        if done is not None and done.type == "response.output_item.done" and done.item is not None:
            yield from _item_calls([done.item])


def _responses_whole(answer: bytes) -> Iterator[ToolCall]:
    found = _decoded(answer, _Response)
    yield from _item_calls([] if found is None else found.output)


def _item_calls(items: Iterable[_Item]) -> Iterator[ToolCall]:
    for item in items:
        if item.type.endswith("_call"):
            name = item.name or item.type.removesuffix("_call")
            said = next((value for value in (item.arguments, item.input, item.action) if value is not None), None)
            yield _call(item.call_id or item.id or "", f"{item.namespace}.{name}" if item.namespace else name, _text(said))


# ---- chat ----------------------------------------------------------------------------------------------------------------


class _Function(msgspec.Struct, gc=False):
    name: str | None = None
    arguments: Any = None


class _ChatCall(msgspec.Struct, gc=False):
    index: int = 0
    id: str | None = None
    function: _Function | None = None
    custom: dict[str, Any] | None = None


class _Said(msgspec.Struct, gc=False):
    tool_calls: list[_ChatCall] | None = None


class _Choice(msgspec.Struct, gc=False):
    index: int = 0
    delta: _Said | None = None
    message: _Said | None = None


class _Completion(msgspec.Struct, gc=False):
    choices: list[_Choice] = []


class _Growing:
    """A call that comes in pieces."""

    def __init__(self) -> None:
        self.id = self.name = ""
        self.arguments: list[str] = []

    def call(self) -> ToolCall:
        return _call(self.id, self.name, "".join(self.arguments))


def _chat_stream(frames: Iterable[bytes]) -> Iterator[ToolCall]:
    growing: dict[tuple[int, int], _Growing] = {}
    for frame in frames:
        chunk = _decoded(frame, _Completion)
        for choice in [] if chunk is None else chunk.choices:
            for piece in (choice.delta.tool_calls or ()) if choice.delta is not None else ():
                _grow(growing.setdefault((choice.index, piece.index), _Growing()), piece)
    yield from (call.call() for call in growing.values())


def _chat_whole(answer: bytes) -> Iterator[ToolCall]:
    found = _decoded(answer, _Completion)
    for choice in [] if found is None else found.choices:
        for piece in (choice.message.tool_calls or ()) if choice.message is not None else ():
            _grow(growing := _Growing(), piece)
            yield growing.call()


def _grow(call: _Growing, piece: _ChatCall) -> None:
    call.id = piece.id or call.id
    if piece.function is not None:
        call.name = piece.function.name or call.name
        call.arguments.append(_text(piece.function.arguments))
    elif piece.custom is not None:
        call.name = str(piece.custom.get("name") or call.name)
        call.arguments.append(_text(piece.custom.get("input")))


# ---- messages ------------------------------------------------------------------------------------------------------------


class _Block(msgspec.Struct, gc=False):
    type: str = ""
    id: str = ""
    name: str = ""
    input: Any = None


class _Delta(msgspec.Struct, gc=False):
    type: str = ""
    partial_json: str = ""


class _Event(msgspec.Struct, gc=False):
    type: str = ""
    index: int = 0
    content_block: _Block | None = None
    delta: _Delta | None = None


class _Message(msgspec.Struct, gc=False):
    content: list[_Block] = []


_USES = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})


def _messages_stream(frames: Iterable[bytes]) -> Iterator[ToolCall]:
    growing: dict[int, _Growing] = {}
    for frame in frames:
        event = _decoded(frame, _Event)
        if event is None:
            continue
        if event.content_block is not None and event.content_block.type in _USES:
            call = growing[event.index] = _Growing()
            call.id, call.name = event.content_block.id, event.content_block.name
        elif event.delta is not None and event.index in growing:
            growing[event.index].arguments.append(event.delta.partial_json)
    yield from (call.call() for call in growing.values())


def _messages_whole(answer: bytes) -> Iterator[ToolCall]:
    found = _decoded(answer, _Message)
    blocks = [] if found is None else found.content
    yield from (_call(block.id, block.name, _text(block.input)) for block in blocks if block.type in _USES)


# ---- generate ------------------------------------------------------------------------------------------------------------


class _Called(msgspec.Struct, gc=False):
    name: str = ""
    id: str = ""
    args: Any = None


class _Part(msgspec.Struct, gc=False, rename="camel"):
    function_call: _Called | None = None


class _Content(msgspec.Struct, gc=False):
    parts: list[_Part] = []


class _Candidate(msgspec.Struct, gc=False):
    content: _Content | None = None


class _Generated(msgspec.Struct, gc=False):
    candidates: list[_Candidate] = []


def _generate_stream(frames: Iterable[bytes]) -> Iterator[ToolCall]:
    for frame in frames:
        yield from _generate_whole(frame)


def _generate_whole(answer: bytes) -> Iterator[ToolCall]:
    found = _decoded(answer, _Generated)
    for candidate in [] if found is None else found.candidates:
        for part in candidate.content.parts if candidate.content is not None else ():
            if part.function_call is not None:
                yield _call(part.function_call.id, part.function_call.name, _text(part.function_call.args))


class _Reader(msgspec.Struct, frozen=True):
    """marks: one of these stands in each event that matters."""

    marks: tuple[bytes, ...]
    stream: Callable[[Iterable[bytes]], Iterator[ToolCall]]
    whole: Callable[[bytes], Iterator[ToolCall]]


_READERS: dict[str, _Reader] = {
    "responses": _Reader((b'_call"',), _responses_stream, _responses_whole),
    "chat": _Reader((b'"tool_calls"',), _chat_stream, _chat_whole),
    "messages": _Reader((b'tool_use"', b'"input_json_delta"'), _messages_stream, _messages_whole),
    "generate": _Reader((b'"functionCall"',), _generate_stream, _generate_whole),
}
"""By the name of the dialect."""


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
    given = _decoded(arguments.encode("utf-8", "replace"), dict[str, Any]) or {}
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
