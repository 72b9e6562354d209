"""What must survive a translation, as plain JSON values.

Of a reply: for each choice its words, refusals and thoughts as joined text, its calls (id, name, namespace, kind, arguments by value),
why it ended; and the counts of tokens. Of a request: who says what in which order, calls, results, media, tools, and the wishes for
the reply. Bounds of parts, ids of messages, proofs, citations and what only one dialect knows are no part of it: `again` holds those
within a dialect, the tables below say what another dialect cannot tell.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any

import msgspec

from dragoman.dialects.chat.thinking import ThinkSplitter
from dragoman.dialects.generate.calls import own_id
from dragoman.ir import request as ir
from dragoman.ir.request import Request
from dragoman.ir.response import Choice, Response
from dragoman.ir.usage import Usage

Json = dict[str, Any]

_REASONS: dict[str, dict[str, str]] = {
    "responses": {"stop_sequence": "stop", "pause": "stop", "context_window": "length", "other": "stop"},
    "chat": {"stop_sequence": "stop", "pause": "stop", "context_window": "length", "other": "stop"},
    "messages": {"content_filter": "refusal", "other": "stop"},
    "generate": {"stop_sequence": "stop", "pause": "other", "context_window": "length", "refusal": "content_filter"},
}
"""What becomes of a reason that a dialect has no word for."""

_BARE_REFUSAL = {"responses": "stop", "chat": "content_filter"}
"""What a refusal that is not put in words becomes where only its words tell it. Responses could say `content_filter` too, but its
agents ask again five times then (Codex)."""

_CALLS_TELL = frozenset({"responses", "generate"})
"""Dialects without a word for calls as the reason: where there are none, a server that says so is not believed."""

_COUNTS: dict[str, frozenset[str]] = {
    "responses": frozenset({"input", "output", "cache_read", "cache_write", "reasoning", "total"}),
    "chat": frozenset({"input", "output", "cache_read", "cache_write", "reasoning", "total"}),
    "messages": frozenset({"input", "output", "cache_read", "cache_write", "reasoning"}),
    "generate": frozenset({"input", "output", "cache_read", "reasoning", "total"}),
}
"""The counts that a dialect tells."""

_ONE_CHOICE = frozenset({"responses", "messages"})
_BLANK_LINE = "\n\n"
_BETWEEN_MESSAGES = {"chat": _BLANK_LINE}
"""Where the bounds of messages cannot be told, they are a blank line."""
_BETWEEN_PARAGRAPHS = {"chat": _BLANK_LINE, "messages": _BLANK_LINE, "generate": _BLANK_LINE}
_BETWEEN_THOUGHTS = {"chat": _BLANK_LINE}
"""Where the paragraphs of a thought, or the bounds of thoughts, cannot be told, they are blank lines."""
_MARKED_THOUGHTS = frozenset({"chat"})
_NO_REFUSALS = frozenset({"messages", "generate"})
"""Dialects in which a refusal is words like others."""


def of_reply(response: Response, via: str) -> Json:
    """The meaning of a reply, as far as the dialect `via` can tell it."""
    choices = response.choices[:1] if via in _ONE_CHOICE else response.choices
    return {
        "model": response.model if via != "messages" else "",
        "choices": [_choice(choice, via) for choice in choices],
        "usage": _usage(response.usage, via),
    }


def _choice(choice: Choice, via: str) -> Json:
    messages = [item for item in choice.items if isinstance(item, ir.Message)]
    refusal = "".join(_words(item, refusal=True) for item in messages)
    if via in _NO_REFUSALS:
        messages = [_unmarked(item) for item in messages]
    words = _spoken([item for item in messages if _words(item) or not refusal], _BETWEEN_MESSAGES.get(via, ""))
    thoughts = _thoughts(choice, via)
    if via in _MARKED_THOUGHTS:
        thoughts, words = _unmarked_thoughts(thoughts, words)
    return {
        "words": words,
        "refusal": refusal if via not in _NO_REFUSALS else "",
        "thoughts": thoughts,
        "calls": [_call(item, via) for item in choice.items if isinstance(item, ir.Call) and item.executor == "client"],
        "reason": _reason(choice, bool(refusal), via),
    }


def _unmarked_thoughts(thoughts: str, words: str) -> tuple[str, str]:
    """What a server said in `<think>` is a thought to whoever reads this dialect."""
    splitter = ThinkSplitter()
    thought, said = (before + after for before, after in zip(splitter.feed(words), splitter.close(), strict=True))
    return thoughts + thought, said


def _unmarked(message: ir.Message) -> ir.Message:
    """Where a refusal is words like others, they stand where they were said."""
    parts = tuple(msgspec.structs.replace(part, refusal=False) if isinstance(part, ir.Text) else part for part in message.parts)
    return msgspec.structs.replace(message, parts=parts)


def _reason(choice: Choice, refused: bool, via: str) -> str:
    if choice.reason == "tool_calls" and via in _CALLS_TELL and not any(isinstance(item, ir.Call) for item in choice.items):
        return "stop"
    bare = _BARE_REFUSAL.get(via) if choice.reason == "refusal" and not refused else None
    return bare or _REASONS[via].get(choice.reason, choice.reason)


def _words(message: ir.Message, refusal: bool = False) -> str:
    return "".join(part.text for part in message.parts if isinstance(part, ir.Text) and part.refusal is refusal)


def _spoken(messages: list[ir.Message], between: str) -> str:
    told, last = "", None
    for message in messages:
        words = _words(message)
        told += between + words if told and words and message.id != last else words
        last = message.id
    return told


def _thoughts(choice: Choice, via: str) -> str:
    thoughts = [item for item in choice.items if isinstance(item, ir.Reasoning)]
    told = (_BETWEEN_PARAGRAPHS.get(via, "").join((*item.summary, *item.content)) for item in thoughts)
    between = _BETWEEN_THOUGHTS.get(via, "")
    words = between.join(words.removeprefix(between) for words in told if words)
    return re.sub(r"\n{2,}", _BLANK_LINE, words.strip("\n")) if between else words


def _call(call: ir.Call, via: str = "") -> Json:
    kind = call.kind if call.kind in _KINDS.get(via, _ALL_KINDS) else "function"
    arguments = call.arguments if call.kind == "custom" and via not in _OBJECTS_ONLY else _by_value(call.arguments)
    if via in _OBJECTS_ONLY:
        arguments = _object(arguments)
    return {
        "id": "one of ours" if call.call_id.startswith(_OWN_ID) else call.call_id,
        "name": call.name,
        "namespace": call.namespace if via not in _NO_NAMESPACES else None,
        "kind": kind,
        "arguments": arguments,
    }


def _object(arguments: Any) -> Json:
    """Arguments as an object: one that was spelled out twice is that object."""
    inner = _by_value(arguments) if isinstance(arguments, str) else arguments
    return inner if isinstance(inner, dict) else {"input": arguments}


_OWN_ID = own_id("")
"""What the ids begin with that calls get where the API gives none: new ones each time where its reply has no id either."""
_ALL_KINDS = frozenset({"function", "custom", "search"})
_KINDS = {"chat": frozenset({"function", "custom"}), "messages": frozenset({"function"}), "generate": frozenset({"function"})}
"""The kinds of calls that a dialect can tell; others are calls of a function. `lower` makes the tools so beforehand."""
_OBJECTS_ONLY = frozenset({"messages", "generate"})
"""Dialects whose arguments are an object: text of a model that is none stands in one as `input`."""
_NO_NAMESPACES = frozenset({"chat", "messages", "generate"})


def _by_value(arguments: str) -> Any:
    """Arguments as the value that they are; no arguments, or an empty list of them, are an empty object. What a model cut short stays
    text."""
    try:
        return (msgspec.json.decode(arguments) or {}) if arguments.strip() else {}
    except (msgspec.DecodeError, RecursionError):
        return arguments


def _usage(usage: Usage | None, via: str) -> Json | None:
    usage = usage or Usage()
    counts = {
        "input": usage.input_tokens,
        "output": usage.output_tokens,
        "cache_read": usage.cache_read_tokens or 0,
        "cache_write": usage.cache_write_tokens or 0,
        "reasoning": usage.reasoning_tokens or 0,
        "total": usage.total,
    }
    if via == "messages" and counts["cache_read"] + counts["cache_write"] > usage.input_tokens:
        counts["cache_write"] = 0  # told beside what was read, not within it: there the counts make up the whole
    # Zeros say as little as nothing: some dialects must tell counts.
    told = {name: count for name, count in counts.items() if name in _COUNTS[via]}
    return told if any(told.values()) else None


# ---- requests ------------------------------------------------------------------------------------------------------------


_NO_THOUGHTS = frozenset({"chat"})
"""Dialects that send earlier thoughts back only to the few servers that want them."""
_PROVEN_THOUGHTS = frozenset({"messages", "generate"})
"""Dialects that take earlier thoughts back only with the proof that they gave them."""
_WORDS_FIRST = frozenset({"chat"})
"""Dialects in which words and calls of one turn have no order."""
_LATE_SYSTEM = ("<system_message>", "</system_message>")
"""Around the words of the system where it may not speak in mid-conversation."""


def of_request(request: Request, via: str) -> Json:
    """The meaning of a request that was fitted to what `via` can tell."""
    told: list[Json] = []
    for item in request.items:
        if isinstance(item, ir.Reasoning) and _stays_behind(item, via):
            continue
        for one in _ITEMS.get(type(item), _nothing)(item):
            _join(told, one)
    if via in _UNIQUE_IDS:
        _name_apart(told)
    told = _in_order([_unwrapped(_as_object(one) if via in _OBJECTS_ONLY else one) for one in told])
    return {
        "items": _words_first(told) if via in _WORDS_FIRST else told,
        "tools": [_tool(tool) for tool in request.tools if not isinstance(tool, ir.HostedTool)],
        "max_tokens": request.max_tokens,
        "choices": request.choices,
        "stream": request.stream,
        "stop": list(request.sampling.stop),
        "temperature": request.sampling.temperature,
        "top_p": request.sampling.top_p,
        "schema": _shape(request.output.schema) if request.output is not None and request.output.schema != _ANY_OBJECT else None,
        "tool_choice": None if request.tool_choice is None or request.tool_choice.mode == "auto" else request.tool_choice.mode,
    }


_UNIQUE_IDS = frozenset({"messages"})
"""Dialects that refuse a conversation in which two calls have one id: the later ones get one of their own."""


def _name_apart(told: list[Json]) -> None:
    count: Counter[str] = Counter()
    for one in told:
        name = one["call"]["id"] if "call" in one else one.get("result", "")
        if "call" in one:
            count[name] += 1
        if count[name] > 1 and name != "one of ours":
            apart = f"{name}-{count[name]}"
            one.update({"call": {**one["call"], "id": apart}} if "call" in one else {"result": apart})


def _as_object(one: Json) -> Json:
    call = one.get("call")
    return one if call is None else {"call": {**call, "arguments": _object(call["arguments"])}}


def _in_order(told: list[Json]) -> list[Json]:
    """With results that follow one another in one order: each is told with its call, and Messages wants them in that of the calls."""
    ordered: list[Json] = []
    for is_result, group in groupby(told, lambda one: "result" in one):
        some = list(group)
        ordered += sorted(some, key=lambda one: one["result"]) if is_result else some
    return ordered


def _stays_behind(thought: ir.Reasoning, via: str) -> bool:
    return via in _NO_THOUGHTS or (via in _PROVEN_THOUGHTS and (thought.proof is None or thought.proof.maker != via))


def _words_first(told: list[Json]) -> list[Json]:
    ordered: list[Json] = []
    calls: list[Json] = []
    for one in told:
        if "call" in one:
            calls.append(one)
            continue
        if one.get("by") != "assistant":
            ordered += calls
            calls = []
        if "words" in one:
            _join(ordered, one)
        else:
            ordered.append(one)
    return ordered + calls


def _unwrapped(one: Json) -> Json:
    before, after = _LATE_SYSTEM
    words = one.get("words", "")
    is_late = words.startswith(before) and words.endswith(after)
    return {"by": "system", "words": words[len(before) : -len(after)]} if is_late else one


def _shape(schema: Any) -> Any:
    """What a JSON Schema asks for: names, types, what must be there. Bounds that an API refuses become words of the description."""
    if isinstance(schema, list):
        return [_shape(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {_SPELLED.get(name, name): value for name, value in schema.items()}
    return {name: _shape(value) for name, value in schema.items() if name in _SHAPE or not _SHAPE & schema.keys()}


_ANY_OBJECT = {"type": "object"}
_SHAPE = frozenset({"type", "properties", "items", "required", "enum", "anyOf", "$ref", "$defs", "const"})
_SPELLED = {"oneOf": "anyOf"}
"""Words of JSON Schema for which another stands where an API lacks them."""


def _join(told: list[Json], one: Json) -> None:
    """Words of the same speaker that follow one another are one speech: where a part ends is told differently everywhere, as a blank
    line or not at all."""
    last = told[-1] if told else {}
    if "words" in one:
        one = {**one, "words": "".join(one["words"].split())}
    if "words" in one and last.get("by") == one["by"] and "words" in last:
        last["words"] += one["words"]
    else:
        told.append(one)


def _message(item: ir.Message) -> Iterable[Json]:
    by = "system" if item.role == "developer" else item.role
    for part in item.parts:
        if not isinstance(part, ir.Text):
            yield {"by": by, **_media(part)}
        elif part.text.strip():
            yield {"by": by, "words": part.text}


def _media(part: ir.Part) -> Json:
    where: Any = getattr(part, "where", None)
    place = where.data if isinstance(where, ir.Inline) else where.url if isinstance(where, ir.Url) else where.id if where else None
    return {"media": type(part).__name__, "place": place}


def _thought(item: ir.Reasoning) -> Iterable[Json]:
    words = "".join((*item.summary, *item.content))
    if words:
        yield {"by": "thought", "words": words}


def _called(item: ir.Call) -> Iterable[Json]:
    if item.executor == "client":
        yield {"call": _call(item)}


def _result(item: ir.Result) -> Iterable[Json]:
    if item.executor == "client":
        words = "".join("".join(part.text for part in item.parts if isinstance(part, ir.Text)).split())
        media = [_media(part) for part in item.parts if not isinstance(part, ir.Text)]
        yield {"result": item.call_id, "says": _by_value(words), "media": media}


def _nothing(_: Any) -> Iterable[Json]:
    return ()


_ITEMS: dict[type, Callable[[Any], Iterable[Json]]] = {
    ir.Message: _message,
    ir.Reasoning: _thought,
    ir.Call: _called,
    ir.Result: _result,
}


_NO_PARAMETERS = {"type": "object", "properties": {}}


def _of_object(parameters: Json) -> Json:
    """With what a schema that says nothing of its values means as that of a tool: an object of anything."""
    return parameters if _SHAPE & parameters.keys() else {**parameters, **_NO_PARAMETERS}


def _tool(tool: ir.Tool) -> Json:
    return {
        "name": getattr(tool, "name", ""),
        "description": tool.description or "",
        "parameters": _shape(_of_object(getattr(tool, "parameters", None) or {})),
    }
