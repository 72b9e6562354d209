"""Those who made the APIs, as judges: the types of their official SDKs, strictly, held against what we write for their clients and send to
their servers. An SDK that is not installed judges nothing; `make corpus` installs them all.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, get_args

import msgspec
from pydantic import BaseModel, TypeAdapter
from pydantic_core import SchemaValidator, ValidationError

from dragoman.dialects.registry import dialect

_SHOWN = 4


def whole(name: str, body: bytes) -> Iterator[str]:
    """What is wrong with a whole reply."""
    return _judge(_WHOLE[name], msgspec.json.decode(body))


def stream(name: str, data: bytes) -> Iterator[str]:
    """What is wrong with the frames of a stream."""
    unknown = _UNTYPED.get(name, "")
    framer = dialect(name).framer()
    for frame in (*framer.feed(data), *framer.close()):
        if frame.data != b"[DONE]":
            found = _judge(_FRAME[name], _frame(name, msgspec.json.decode(frame.data)))
            yield from (line for line in found if not unknown or not re.search(unknown, line))


def request(name: str, body: dict[str, Any]) -> Iterator[str]:
    """What is wrong with a request. Unknown fields are wrong: most of these APIs refuse them."""
    if name != "generate":
        yield from _judge(_REQUEST[name], body, strict=True)
        return
    # Its SDK has no type of the whole body, which only names these.
    yield from (f"unknown field `{field}`" for field in body if field not in _GENERATE)
    for field, told in body.items():
        for one in told if isinstance(told, list) else [told]:
            yield from _judge(_GENERATE.get(field, ""), one, strict=True)


_WHOLE = {
    "responses": "openai.types.responses:Response",
    "chat": "openai.types.chat:ChatCompletion",
    "messages": "anthropic.types.beta:BetaMessage",
    "generate": "google.genai.types:GenerateContentResponse",
}
_FRAME = {
    "responses": "openai.types.responses:ResponseStreamEvent",
    "chat": "openai.types.chat:ChatCompletionChunk",
    "messages": "anthropic.types.beta:BetaRawMessageStreamEvent",
    "generate": "google.genai.types:GenerateContentResponse",
}
_REQUEST = {
    "responses": "openai.types.responses.response_create_params:ResponseCreateParams",
    "chat": "openai.types.chat.completion_create_params:CompletionCreateParams",
    "messages": "anthropic.types.beta.message_create_params:MessageCreateParams",
}
_GENERATE = {
    "contents": "google.genai.types:Content",
    "systemInstruction": "google.genai.types:Content",
    "tools": "google.genai.types:Tool",
    "toolConfig": "google.genai.types:ToolConfig",
    "generationConfig": "google.genai.types:GenerationConfig",
    "safetySettings": "google.genai.types:SafetySetting",
    "serviceTier": "",
}


_UNTYPED = {"chat": r"`choices\.\d+\.delta\.tool_calls\.\d+\.type`"}
"""What an API streams although the types of its SDK do not know it: calls of custom tools."""


_ALIVE = {"messages": ("ping", "error"), "responses": ("keepalive",)}
"""Types of frames that the SDKs step over, or handle, before they look at types."""


def _frame(name: str, value: Any) -> Any:
    """A frame as far as types know of it: signs of life and errors are none of theirs."""
    if value.get("type") in _ALIVE.get(name, ()):
        return None
    return None if name in ("chat", "generate") and "error" in value else value


def _judge(place: str, value: Any, *, strict: bool = False) -> Iterator[str]:
    judges = _validators(place, strict) if place and value is not None else {}
    if not judges:
        return
    said = value.get("type") if isinstance(value, dict) else None
    judge = judges.get(said) or judges.get(None)
    if judge is None:
        yield f"{place.rpartition(':')[2]} knows no `{said}`"
        return
    try:
        judge.validate_python(value)
    except ValidationError as error:
        for path, why in _nearest(error)[:_SHOWN]:
            yield f"{place.rpartition(':')[2]} refuses `{path}`: {why}"


def _nearest(error: ValidationError) -> list[tuple[str, str]]:
    """The errors of the alternative of a union that fits best: the others say nothing."""
    found: dict[str, list[tuple[str, str]]] = {}
    for one in error.errors(include_url=False):
        steps = [str(step) for step in one["loc"]]
        member = next((at for at, step in enumerate(steps) if step[:1].isupper() or "[" in step), len(steps))
        branch = ".".join(step for step in steps[: member + 1])
        found.setdefault(branch, []).append((".".join(steps), one["msg"]))
    return min(found.values(), key=len)


@cache
def _validators(place: str, strict: bool) -> dict[str | None, SchemaValidator]:
    """The judge of each kind of value by its `type`, or one of all (None); nothing where the SDK is not installed."""
    module, _, name = place.partition(":")
    try:
        kind = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError:
        return {}
    kind = kind.__origin__ if hasattr(kind, "__metadata__") else kind
    members = [member for member in get_args(kind) if isinstance(member, type) and issubclass(member, BaseModel)]
    found: dict[str | None, SchemaValidator] = {}
    for member in members:
        found.update(dict.fromkeys(get_args(member.model_fields["type"].annotation), _validator(member, strict)))
    return found or {None: _validator(kind, strict)}


def _validator(kind: Any, strict: bool) -> SchemaValidator:
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    adapter.rebuild(force=True)
    return SchemaValidator(_rewritten(adapter.core_schema, strict))


def _rewritten(schema: Any, strict: bool) -> Any:
    """The SDK's schema with its lists checked at once (an Iterable is only looked at when it is read) and, if strict, closed."""
    if isinstance(schema, Mapping):
        told = {key: _rewritten(value, strict) for key, value in schema.items()}
        rewrite = _REWRITES.get(told["type"]) if isinstance(told.get("type"), str) else None
        return rewrite(told, strict) if rewrite is not None else told
    if isinstance(schema, list):
        return [_rewritten(value, strict) for value in schema]
    return tuple(_rewritten(value, strict) for value in schema) if isinstance(schema, tuple) else schema


def _as_list(schema: dict[str, Any], strict: bool) -> dict[str, Any]:
    return {key: value for key, value in {**schema, "type": "list"}.items() if key in ("type", "items_schema", "ref", "metadata")}


def _closed(schema: dict[str, Any], strict: bool) -> dict[str, Any]:
    return {**schema, "extra_behavior": "forbid"} if strict and "extras_schema" not in schema else schema


_REWRITES: dict[str, Callable[[dict[str, Any], bool], dict[str, Any]]] = {"generator": _as_list, "typed-dict": _closed}
