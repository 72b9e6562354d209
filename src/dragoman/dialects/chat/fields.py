"""The settings of a request: each a row of wire name, its place in the neutral request, and what values it takes.

https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from dragoman.dialects.chat.parts import Lost
from dragoman.dialects.chat.wishes import SPELLINGS, holds, read_wish, write_wish
from dragoman.dialects.remainder import JsonObject, complete, object_at, text_at, text_or_none, wrong
from dragoman.ir.request import OutputFormat, Request, Sampling


class _Row(msgspec.Struct, frozen=True):
    """One setting that is the same value on both sides. `default` is not written."""

    wire: str
    attribute: str
    kinds: tuple[type, ...]
    what: str
    default: Any = None


_NUMBER = ((int, float), "a number")
_INTEGER = ((int,), "an integer")
_TEXT = ((str,), "a string")
_SWITCH = ((bool,), "true or false")
_OBJECT = ((dict,), "an object")

_SAMPLING = (
    _Row("temperature", "temperature", *_NUMBER),
    _Row("top_p", "top_p", *_NUMBER),
    _Row("seed", "seed", *_INTEGER),
    _Row("frequency_penalty", "frequency_penalty", *_NUMBER),
    _Row("presence_penalty", "presence_penalty", *_NUMBER),
    _Row("logit_bias", "logit_bias", *_OBJECT),
    _Row("logprobs", "logprobs", (bool, int), "true or false"),
    _Row("top_logprobs", "top_logprobs", *_INTEGER),
)
_DIRECT = (
    _Row("n", "choices", *_INTEGER, default=1),
    _Row("parallel_tool_calls", "parallel_tools", *_SWITCH),
    _Row("verbosity", "verbosity", *_TEXT),
    _Row("prompt_cache_key", "cache_key", *_TEXT),
    _Row("service_tier", "service_tier", *_TEXT),
    _Row("user", "user", *_TEXT),
    _Row("metadata", "metadata", *_OBJECT),
)
_TIERS = {"ultrafast": "fast"}
"""The tier that is asked for in place of one that only Responses has."""


def read_fields(came: JsonObject) -> dict[str, Any]:
    """The settings as arguments of Request."""
    found = _rows(_DIRECT, came)
    sampling = _rows(_SAMPLING, came)
    _read_stop(came, sampling)
    _read_logprobs(sampling)
    top_k = came.get("top_k")
    if isinstance(top_k, int):
        sampling["top_k"] = top_k
    if sampling:
        found["sampling"] = Sampling(**sampling)
    if "user" not in found and (user := text_or_none(came, "safety_identifier")) is not None:
        found["user"] = user
    if came.get("response_format") is not None:
        found["output"] = _read_format(object_at(came["response_format"], "response_format"))
    wish = read_wish(came)
    if wish is not None:
        found["reasoning"] = wish
    return found


def write_fields(request: Request, lost: Lost) -> JsonObject:
    """The settings on the wire."""
    body: JsonObject = {}
    for rows, source in ((_DIRECT, request), (_SAMPLING, request.sampling)):
        for row in rows:
            value = getattr(source, row.attribute)
            if value != row.default:
                body[row.wire] = value
    if request.service_tier in _TIERS:
        body["service_tier"] = _TIERS[request.service_tier]
        lost.append(("service_tier", f"chat knows no tier `{request.service_tier}`; `{body['service_tier']}` is asked for"))
    if request.sampling.stop:
        body["stop"] = list(request.sampling.stop)
    if request.output is not None:
        body["response_format"] = _write_format(request.output)
    if request.reasoning is not None:
        write_wish(request.reasoning, body, lost)
    return body


def put_back_fields(body: JsonObject, rest: JsonObject, request: Request) -> None:
    """Add what was kept, but for fields whose neutral meaning was changed in between."""
    stale = {name for name, holds in _STILL_HOLDS.items() if name in rest and not holds(rest, request)}
    complete(body, {name: value for name, value in rest.items() if name not in stale})


def _rows(rows: tuple[_Row, ...], came: JsonObject) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for row in rows:
        value = came.get(row.wire)
        if value is None:
            continue
        if not isinstance(value, row.kinds) or (isinstance(value, bool) and bool not in row.kinds):
            raise wrong(row.wire, f"must be {row.what}")
        found[row.attribute] = value
    return found


def _read_logprobs(sampling: dict[str, Any]) -> None:
    """Together asks for likelihoods by the number of tokens whose it wants: https://docs.together.ai/docs/logprobs."""
    wanted = sampling.get("logprobs")
    if type(wanted) is int:
        sampling["logprobs"] = wanted > 0
        sampling.setdefault("top_logprobs", wanted)


def _read_stop(came: JsonObject, sampling: dict[str, Any]) -> None:
    stop = came.get("stop")
    if isinstance(stop, str):
        sampling["stop"] = (stop,)
    elif isinstance(stop, list):
        words: list[Any] = stop  # pyright: ignore[reportUnknownVariableType]
        if not all(isinstance(word, str) for word in words):
            raise wrong("stop", "must be a string or a list of strings")
        sampling["stop"] = tuple(words)
    elif stop is not None:
        raise wrong("stop", "must be a string or a list of strings")


def _read_format(came: JsonObject) -> OutputFormat | None:
    kind = came.get("type")
    if kind == "json_schema":
        # Together has the schema right beside the type.
        beside = "json_schema" not in came and "schema" in came
        value = came if beside else object_at(came.get("json_schema"), "response_format.json_schema")
        schema, strict = value.get("schema"), value.get("strict")
        return OutputFormat(
            "schema",
            _name(value),
            None if schema is None else object_at(schema, "response_format.json_schema.schema"),
            strict if isinstance(strict, bool) else None,
            text_or_none(value, "description"),
        )
    return OutputFormat("text") if kind == "text" else OutputFormat("json") if kind == "json_object" else None


def _name(value: JsonObject) -> str | None:
    # The API demands it, others do without (Perplexity).
    return text_at(value, "name", "response_format.json_schema") if value.get("name") is not None else None


def _write_format(output: OutputFormat) -> JsonObject:
    if output.kind != "schema":
        return {"type": "text" if output.kind == "text" else "json_object"}
    value: JsonObject = {"name": output.name or "answer"}
    if output.description is not None:
        value["description"] = output.description
    if output.schema is not None:
        value["schema"] = output.schema
    if output.strict is not None:
        value["strict"] = output.strict
    return {"type": "json_schema", "json_schema": value}


_STILL_HOLDS: dict[str, Callable[[JsonObject, Request], bool]] = {
    **{name: partial(holds, name) for name in SPELLINGS},
    "top_k": lambda rest, request: rest["top_k"] is None or request.sampling.top_k == rest["top_k"],
    "safety_identifier": lambda rest, request: not isinstance(rest["safety_identifier"], str) or request.user is not None,
}
"""Fields that are kept as they came and have a neutral meaning too."""
