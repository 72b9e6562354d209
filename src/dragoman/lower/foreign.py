"""What only another API understands: left out with a warning."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from dragoman.ir.request import (
    READ,
    Call,
    HostedTool,
    Item,
    Message,
    OpaqueItem,
    OpaquePart,
    Part,
    ReasoningWish,
    Request,
    Result,
    Settings,
    Text,
)
from dragoman.lower.fitting import Fitting

# Top-level fields that ask for nothing which another API doesn't do anyway, or that speak only of the transport.
_SILENT = frozenset(
    {
        "client_metadata",
        "context",
        "functions",
        "include",
        "includeServerSideToolInvocations",
        "include_server_side_tool_invocations",
        "n",
        "prompt_cache_options",
        "prompt_cache_retention",
        "responseSchema",
        "response_schema",
        "safety_identifier",
        "stream",
        "stream_options",
        "tools",
        "top_k",
        "truncation",
        "usage",
    }
)


_NAMING = frozenset({"chat"})
"""APIs whose messages may name who speaks."""
_SILENT_OF_TOOLS = frozenset(
    {"tools.type", "tools.parameters", "tools.cache_control", "tools.defer_loading", "tools.eager_input_streaming"}
)
"""What another API does in its own way: a tool whose loading was to wait is offered at once. Marks of the cache have their own pass."""
_AS = "$as"
"""The mark under which a dialect keeps what it reads in another form."""
_NESTED = "$in"
"""The mark under which a dialect keeps what it alone knows of nested objects."""
_NOTHING: tuple[Any, ...] = (None, False, [], {}, "")
_BY_BEING = frozenset({"web_search_options"})
"""Fields that ask for something by being there, whatever they say."""
_DEFAULTS: dict[str, Any] = {
    "responseModalities": ["TEXT"],
    "response_modalities": ["TEXT"],
    "responseMimeType": "text/plain",
    "response_mime_type": "text/plain",
    "candidateCount": 1,
    "candidate_count": 1,
}
_WHY = {"store": "the answer is kept nowhere for later requests to name"}


def drop_fields(request: Request, fitting: Fitting) -> Request:
    """Warn of what the request asks for in fields that another dialect alone knows (they stay in `extra`), and of names of speakers."""
    if fitting.census.named and fitting.caps.dialect not in _NAMING:
        fitting.warn("messages.name", "the target's API has no names of speakers")
    for dialect, fields in (request.extra or {}).items():
        if dialect == fitting.caps.dialect:
            continue
        for name in (
            *_asked_for(fields),
            *_asked_for(((request.reasoning and request.reasoning.extra) or {}).get(dialect, {}), "reasoning."),
        ):
            fitting.warn(name, _WHY.get(name) or f"only `{dialect}` knows this field")
        if _is_own_choice(fields.get(_AS, {}).get("tool_choice", {})):
            fitting.warn("tool_choice", f"only `{dialect}` knows this choice; the target chooses itself")
    return request


def drop_tool_fields(request: Request, fitting: Fitting) -> Request:
    """Warn of what tools say beyond what every API has of them."""
    for tool in request.tools:
        if isinstance(tool, HostedTool) or not tool.extra:
            continue
        for dialect, fields in tool.extra.items():
            for name in _asked_for(fields, "tools.") if dialect != fitting.caps.dialect else ():
                if name not in _SILENT_OF_TOOLS:
                    fitting.warn(name, f"only `{dialect}` knows this field")
    return request


def _is_own_choice(kept: dict[str, Any]) -> bool:
    """Whether a choice among tools was read as none in particular, for want of a neutral form."""
    was: Any = kept.get("was")
    return kept.get("for") == "auto" and isinstance(was, dict) and bool(was.get("type") != "auto")  # pyright: ignore[reportUnknownMemberType,reportUnknownArgumentType]


def _asked_for(fields: dict[str, Any], inside: str = "") -> Iterable[str]:
    """The names of the fields that ask for something, those of nested objects with their path."""
    read = fields.get(READ, ())
    for name, value in fields.items():
        if name == _NESTED:
            for parent, rest in value.items():
                yield from _asked_for(rest, f"{inside}{parent}.")
        elif (value not in _NOTHING or name in _BY_BEING) and not (name.startswith("$") or name in read or _is_silent(name, value)):
            yield f"{inside}{name}"


def _is_silent(name: str, value: Any) -> bool:
    return name in _SILENT or (name in _DEFAULTS and value == _DEFAULTS[name])


def drop_items(request: Request, fitting: Fitting) -> Request:
    """Leave out items and parts of other dialects."""
    census = fitting.census
    if not (census.hosted or census.cited or census.has(OpaqueItem, Settings) or census.shows(OpaquePart)):
        return request
    items: list[Item] = []
    wish = request.reasoning
    for item in request.items:
        if isinstance(item, Settings) and item.dialect != fitting.caps.dialect:
            wish = _applied(item, wish, fitting)
            continue
        items.extend(_fitting(item, fitting))
    if wish is request.reasoning and len(items) == len(request.items) and all(map(_is, items, request.items)):
        return request
    return msgspec.structs.replace(request, items=tuple(items), reasoning=wish)


def _fitting(item: Item, fitting: Fitting) -> Iterable[Item]:
    caps = fitting.caps
    if isinstance(item, OpaqueItem) and item.instead is not None and not (caps.agent_messages and item.dialect == caps.dialect):
        return (_in_words(item.instead, fitting),)
    if isinstance(item, OpaqueItem) and item.dialect != caps.dialect:
        fitting.warn("items", f"only `{item.dialect}` knows the item `{item.kind}`")
        return ()
    if isinstance(item, Call | Result) and item.executor == "provider" and caps.dialect not in (item.extra or {}):
        fitting.warn("items", "calls that another provider ran itself are left out of the history")
        return ()
    if isinstance(item, Message | Result):
        return _without_parts(item, fitting)
    return (item,)


def _in_words(message: Message, fitting: Fitting) -> Message:
    """What stands for an item, in words alone."""
    if any(isinstance(part, OpaquePart) for part in message.parts):
        fitting.warn("items", "a message between agents was written for another model, which alone can read it")
    unread = Text("[left out: this model cannot read it]")
    return msgspec.structs.replace(message, parts=tuple(unread if isinstance(part, OpaquePart) else part for part in message.parts))


def _without_parts(item: Message | Result, fitting: Fitting) -> Iterable[Item]:
    if not any(_is_foreign(part, fitting) for part in item.parts):
        return (item,)
    parts: list[Part] = []
    for part in item.parts:
        if not isinstance(part, OpaquePart) or part.dialect == fitting.caps.dialect:
            parts.append(_uncited(part, fitting) if isinstance(part, Text) else part)
            continue
        kind = part.value.get("type") or "part"
        fitting.warn("content", f"only `{part.dialect}` knows the part `{kind}`")
        if not isinstance(item, Message) or item.role != "assistant":
            # The model should know that it was shown something.
            parts.append(Text(f"[{kind} left out: this model does not take it]"))
    return (msgspec.structs.replace(item, parts=tuple(parts)),) if parts or isinstance(item, Result) else ()


def _is_foreign(part: Part, fitting: Fitting) -> bool:
    if isinstance(part, Text):
        return any(citation.dialect != fitting.caps.dialect for citation in part.citations)
    return isinstance(part, OpaquePart) and part.dialect != fitting.caps.dialect


def _uncited(part: Text, fitting: Fitting) -> Text:
    """The words without what another API's answer cited for them: an API takes back its own citations only."""
    own = tuple(citation for citation in part.citations if citation.dialect == fitting.caps.dialect)
    if len(own) == len(part.citations):
        return part
    fitting.warn("citations", "what earlier words were cited from stays behind")
    return msgspec.structs.replace(part, citations=own)


def _applied(item: Settings, wish: ReasoningWish | None, fitting: Fitting) -> ReasoningWish | None:
    reasoning = item.value.get("reasoning")
    effort = reasoning.get("effort") if isinstance(reasoning, dict) else None  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType]
    for name in item.value:
        if name not in ("type", "id", "reasoning"):
            fitting.warn("items", f"the change of `{name}` in mid-conversation is left out")
    if not isinstance(effort, str):
        return wish
    return msgspec.structs.replace(wish, effort=effort) if wish is not None else ReasoningWish(effort)


def _is(one: object, other: object) -> bool:
    return one is other
