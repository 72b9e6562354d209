"""What was said in an exchange, read from the bodies that the journal kept: in whichever dialect, shown in one form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from dragoman.dialects.contract import Call as HttpCall
from dragoman.dialects.contract import Dialect
from dragoman.dialects.playback import play
from dragoman.dialects.registry import dialect, names
from dragoman.ir import events as ev
from dragoman.ir import request as ir
from dragoman.ir.errors import GatewayError
from dragoman.ir.fold import Fold
from dragoman.wire.frame import WireError

SHOWN = 12
"""Of a long conversation the last items are shown at first."""
_LONGEST = 20_000


class Said(msgspec.Struct, frozen=True):
    """One item. who: as its badge says; kind: how it is drawn (a role, `thought`, `call`, `result`, `note`); name: of the tool; left_out:
    characters that were too many to show."""

    who: str
    kind: str
    text: str = ""
    name: str = ""
    call_id: str = ""
    is_error: bool = False
    left_out: int = 0


class Talk(msgspec.Struct, frozen=True):
    """A conversation: what was asked and what was answered. earlier: items of the request that are not shown. trouble: why there is
    nothing, or not all. tools: what the model was offered."""

    asked: tuple[Said, ...] = ()
    answered: tuple[Said, ...] = ()
    earlier: int = 0
    tools: tuple[str, ...] = ()
    trouble: tuple[str, ...] = ()


def read_talk(name: str, *, path_model: str, stream: bool, request: bytes | None, response: bytes | None, most: int | None = SHOWN) -> Talk:
    """The conversation of the client's two bodies in dialect `name`. most: how many items of the request; None: all. Takes anything."""
    if name not in names():
        return Talk(trouble=(f"nothing here reads the dialect `{name}`",) if name else ())
    spoken = dialect(name)
    trouble: list[str] = []
    asked, tools = _request(spoken, path_model, request, trouble)
    answered = _response(spoken, stream, response, trouble)
    earlier = 0 if most is None else max(0, len(asked) - most)
    return Talk(tuple(asked[earlier:]), tuple(answered), earlier, tuple(tools), tuple(trouble))


def _request(spoken: Dialect, model: str, body: bytes | None, trouble: list[str]) -> tuple[list[Said], list[str]]:
    if body is None:
        return [], []
    try:
        read = spoken.read_request(HttpCall(spoken.path.replace("{model}", model), body))
    except GatewayError as error:
        trouble.append(f"the request cannot be shown as a conversation: {error.message}")
        return [], []
    return [said for item in read.items for said in _say(item)], [_tool_name(tool) for tool in read.tools]


def _response(spoken: Dialect, stream: bool, body: bytes | None, trouble: list[str]) -> list[Said]:
    if not body:
        return []
    items: list[ir.Item] = []
    try:
        items += _folded(play(spoken, body, stream=stream), trouble)
    except (GatewayError, WireError) as error:
        trouble.append(f"the answer cannot be shown as a conversation: {getattr(error, 'message', error)}")
    return [said for item in items for said in _say(item)]


def _folded(events: Iterable[ev.Event], trouble: list[str]) -> Iterator[ir.Item]:
    """The items of an answer; of one that was cut, also those that were under way."""
    fold = Fold()
    for event in events:
        item = fold.feed(event)
        if item is not None:
            yield item
    yield from fold.cut()
    if fold.failed is not None:
        trouble.append(f"the answer ended in an error: {fold.failed.message}")


# How each kind of item is said


def _say(item: ir.Item) -> Iterable[Said]:
    return _SAYINGS[type(item)](item)


def _message(item: ir.Message) -> Iterator[Said]:
    text, left_out = _cut("\n".join(_part(part) for part in item.parts))
    yield Said(item.role, item.role, text, left_out=left_out)


def _thought(item: ir.Reasoning) -> Iterator[Said]:
    text, left_out = _cut("\n\n".join((*item.summary, *item.content)))
    yield Said("thought", "thought", text or "(sealed: only its maker can read it)", left_out=left_out)


def _call(item: ir.Call) -> Iterator[Said]:
    text, left_out = _cut(_tidy(item.arguments))
    name = f"{item.namespace}.{item.name}" if item.namespace else item.name
    yield Said("tool call", "call", text, name, item.call_id, left_out=left_out)


def _result(item: ir.Result) -> Iterator[Said]:
    text, left_out = _cut("\n".join(_part(part) for part in item.parts))
    yield Said("tool result", "result", text, item.name or "", item.call_id, item.is_error, left_out)


def _tools_added(item: ir.ToolsAdded) -> Iterator[Said]:
    yield Said("tools", "note", "offered from here on: " + ", ".join(_tool_name(tool) for tool in item.tools))


def _settings(item: ir.Settings) -> Iterator[Said]:
    text, left_out = _cut(_json(item.value))
    yield Said("settings", "note", text, left_out=left_out)


def _compact(item: ir.CompactionTrigger) -> Iterator[Said]:
    yield Said("compaction", "note", "the client asks for the conversation so far as one sealed item")


def _compaction(item: ir.Compaction) -> Iterator[Said]:
    yield Said("compaction", "note", "(a sealed summary of what came before)")


def _opaque(item: ir.OpaqueItem) -> Iterator[Said]:
    text, left_out = _cut(_json(item.value))
    yield Said(item.kind, "note", text, left_out=left_out)


def _part(part: ir.Part) -> str:
    if isinstance(part, ir.Text):
        return part.text
    if isinstance(part, ir.OpaquePart):
        return _json(part.value)
    where = part.where
    if isinstance(where, ir.Inline):
        return f"[{_kind(part)}: {where.media_type}, {len(where.data) * 3 // 4:,} bytes]"
    return f"[{_kind(part)}: {where.url if isinstance(where, ir.Url) else where.id}]"


def _kind(part: ir.Image | ir.File | ir.Audio) -> str:
    return type(part).__name__.lower()


def _tool_name(tool: ir.Tool) -> str:
    if isinstance(tool, ir.SearchTool):
        return "tool search"
    if isinstance(tool, ir.HostedTool):
        return tool.kind
    return f"{tool.namespace}.{tool.name}" if tool.namespace else tool.name


def _tidy(arguments: str) -> str:
    """JSON arguments over several lines; what is no JSON as it is."""
    try:
        return msgspec.json.format(arguments.encode(), indent=2).decode()
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return arguments


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _cut(text: str) -> tuple[str, int]:
    return text[:_LONGEST], max(0, len(text) - _LONGEST)


_SAYINGS: dict[type, Callable[[Any], Iterable[Said]]] = {
    ir.Message: _message,
    ir.Reasoning: _thought,
    ir.Call: _call,
    ir.Result: _result,
    ir.ToolsAdded: _tools_added,
    ir.Settings: _settings,
    ir.CompactionTrigger: _compact,
    ir.Compaction: _compaction,
    ir.OpaqueItem: _opaque,
}
