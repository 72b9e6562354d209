"""The response object around the output: ids, status, usage, and the echo of the request.

https://platform.openai.com/docs/api-reference/responses/object
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import msgspec

from dragoman.dialects.remainder import JsonObject
from dragoman.dialects.responses.errors import words
from dragoman.dialects.responses.remainder import NAME, own_fields, put_back
from dragoman.dialects.responses.request import SEALS, TIERS, write_text, write_wish
from dragoman.dialects.responses.tools import write_choice, write_tools
from dragoman.dialects.responses.usage import write_usage
from dragoman.ir.errors import GatewayError
from dragoman.ir.events import FinishReason
from dragoman.ir.request import Extra, Message, ReasoningWish, Request, Text
from dragoman.ir.seal import MARK
from dragoman.ir.usage import Usage

# Fields of the request that only this API knows and that its answer repeats.
_ECHOED = ("background", "max_tool_calls", "previous_response_id", "prompt", "prompt_cache_retention", "truncation", "user")

# What a finish reason makes of the response: status, and why it is incomplete.
_ENDS: dict[FinishReason, tuple[str, str | None]] = {
    "length": ("incomplete", "max_output_tokens"),
    "context_window": ("incomplete", "max_output_tokens"),
    "content_filter": ("incomplete", "content_filter"),
}
_EFFORTS = frozenset({"none", "minimal", "low", "medium", "high", "xhigh", "max"})
_OWN_REASONS = ("max_messages", "steered")
_OWN_STATUSES = ("queued", "in_progress", "cancelled")


def response_id(given: str, request: Request, extra: Extra | None) -> str:
    """An id in this API's form: the provider's (`extra` of its start tells whether it speaks this API), else prefixed; one made
    from the request where there is none."""
    if given:
        return given if NAME in (extra or {}) or given.startswith("resp_") else f"resp_{given}"
    told = msgspec.json.encode((request.model, len(request.items), request.items[-2:]))
    return f"resp_{blake2b(told, digest_size=16).hexdigest()}"


def wants_seals(request: Request) -> bool:
    """Whether the client asked for thoughts in a form that it can send back."""
    include = (request.extra or {}).get(NAME, {}).get("include")
    return isinstance(include, list) and SEALS in include


def item_stem(id: str) -> str:
    """What the ids of a response's items have in common: short enough for the API's limit of 64 characters when they come back."""
    return blake2b(id.encode(), digest_size=12).hexdigest()


def item_id(prefix: str, stem: str, index: int) -> str:
    """The id of an item that its provider gave none. A thought's bears the mark of our seals: where its seal is left out, the id tells
    that it is none of this API's."""
    return f"{prefix}_{MARK if prefix == 'rs' else ''}{stem}{index:04x}"


def opening(request: Request, *, id: str, model: str, created_s: int | None, extra: Extra | None) -> JsonObject:
    """The response object of the first frames, without tools and instructions (they may be 20 KB and the client knows them). extra: the
    provider's own words at its start; only where it speaks this API it may have been asked to keep the answer."""
    rest = (request.extra or {}).get(NAME, {})
    native = NAME in (request.extra or {})
    wish = request.reasoning if native or request.reasoning is None else _known(request.reasoning)
    reasoning = put_back(write_wish(wish), wish.extra) if wish is not None else {}
    text = write_text(request)
    return {
        "id": id,
        "object": "response",
        "created_at": created_s or request.asked_s or 0,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": request.max_tokens,
        "model": model or request.model,
        "output": [],
        "parallel_tool_calls": request.parallel_tools if request.parallel_tools is not None else True,
        "prompt_cache_key": request.cache_key,
        "reasoning": {"effort": None, "summary": None, **reasoning},
        "safety_identifier": request.user,
        "service_tier": request.service_tier if native or request.service_tier in TIERS else "auto",
        "temperature": request.sampling.temperature if request.sampling.temperature is not None else 1.0,
        "text": {"format": {"type": "text"}, **text},
        "tool_choice": write_choice(request.tool_choice, request.tools) if request.tool_choice is not None else "auto",
        "tools": [],
        "top_logprobs": request.sampling.top_logprobs or 0,
        "top_p": request.sampling.top_p if request.sampling.top_p is not None else 1.0,
        "usage": None,
        "metadata": request.metadata or {},
        "store": NAME in (extra or {}) and bool(rest.get("store")),
        "truncation": "disabled",
        "background": False,
        "previous_response_id": None,
        **{name: rest[name] for name in _ECHOED if rest.get(name) is not None},
    }


def _known(wish: ReasoningWish) -> ReasoningWish:
    # Servers of other APIs know more words (Groq's `default`), of which clients of this one know none.
    return wish if wish.effort in _EFFORTS else msgspec.structs.replace(wish, effort=None)


def with_tools(response: JsonObject, request: Request) -> JsonObject:
    """Completed by the request's tools and instructions, for an answer that is one JSON object."""
    first = request.items[0] if request.items else None
    if isinstance(first, Message) and first.role == "system":
        response["instructions"] = "".join(part.text for part in first.parts if isinstance(part, Text))
    response["tools"] = write_tools(request.tools)
    return response


def closing(
    response: JsonObject,
    output: list[Any],
    usage: Usage | None,
    reason: FinishReason,
    *,
    detail: str | None = None,
    extra: Extra | None = None,
) -> JsonObject:
    """The finished response object. `extra` is what its provider said beyond our words, and wins over our echoes."""
    status, why = _ENDS.get(reason, ("completed", None))
    if reason == "other" and detail in _OWN_REASONS:
        status, why = "incomplete", detail
    elif reason == "other" and detail in _OWN_STATUSES:
        status = detail
    closed = {
        **response,
        **own_fields(extra),
        "status": status,
        "incomplete_details": {"reason": why} if why is not None else None,
        "output": output,
        "usage": write_usage(usage) if usage is not None else None,
    }
    if reason == "pause":
        closed["end_turn"] = False  # clients that know it go on by themselves
    return closed


def failing(response: JsonObject, output: list[Any], usage: Usage | None, error: GatewayError) -> JsonObject:
    """The response object of a failure."""
    return {
        **response,
        "status": "failed",
        "error": {"code": words(error)[1], "message": error.message},
        "output": output,
        "usage": write_usage(usage) if usage is not None else None,
    }
