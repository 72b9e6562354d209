"""Errors: every shape in which servers of this dialect tell one, to a kind; and a kind to the API's own form.

https://platform.openai.com/docs/guides/error-codes. Shapes seen: `{error: {message, type, param, code}}`, `{error: "…"}`, a code that
is a number, `{detail: […]}` (validation lists), `{message}`, `[{error}]` (Google), HTML, nothing.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from dragoman.dialects.errors import LONGEST_MESSAGE, asked_wait_s, kind_by_words, kind_of, plain_words, spoken_wait_s, without_keys
from dragoman.dialects.remainder import JsonObject
from dragoman.ir.errors import GatewayError, Kind
from dragoman.wire.frame import Headers
from dragoman.wire.not_json import NOT_JSON

# The servers' own words, in `code` or `type`.
_BY_CODE: dict[str, Kind] = {
    "context_length_exceeded": Kind.CONTEXT_OVERFLOW,
    "context_window_exceeded": Kind.CONTEXT_OVERFLOW,
    "too_many_prompt_tokens": Kind.CONTEXT_OVERFLOW,
    "exceed_context_size_error": Kind.CONTEXT_OVERFLOW,
    "insufficient_quota": Kind.QUOTA,
    "billing_hard_limit_reached": Kind.QUOTA,
    "billing_not_active": Kind.QUOTA,
    "insufficient_balance": Kind.QUOTA,
    "insufficient_credits": Kind.QUOTA,
    "exceeded_current_quota_error": Kind.QUOTA,
    "model_not_found": Kind.MODEL_NOT_FOUND,
    "model_not_available": Kind.MODEL_NOT_FOUND,
    "invalid_model": Kind.MODEL_NOT_FOUND,
    "deploymentnotfound": Kind.MODEL_NOT_FOUND,
    "invalid_api_key": Kind.PROVIDER_KEY,
    "incorrect_api_key": Kind.PROVIDER_KEY,
    "authentication_error": Kind.PROVIDER_KEY,
    "permission_error": Kind.PROVIDER_PERMISSION,
    "permission_denied": Kind.PROVIDER_PERMISSION,
    "content_filter": Kind.CONTENT_POLICY,
    "content_policy_violation": Kind.CONTENT_POLICY,
    "responsibleaipolicyviolation": Kind.CONTENT_POLICY,
    "invalid_prompt": Kind.CONTENT_POLICY,
    "rate_limit_exceeded": Kind.RATE_LIMITED,
    "rate_limit_error": Kind.RATE_LIMITED,
    "ratelimitreached": Kind.RATE_LIMITED,
    "tokens_per_minute": Kind.RATE_LIMITED,
    "slow_down": Kind.RATE_LIMITED,
    "overloaded_error": Kind.OVERLOADED,
    "server_is_overloaded": Kind.OVERLOADED,
    "engine_overloaded_error": Kind.OVERLOADED,
    "service_unavailable": Kind.OVERLOADED,
    "timeout": Kind.TIMEOUT,
    "server_error": Kind.SERVER_ERROR,
    "internal_server_error": Kind.SERVER_ERROR,
    "internal_error": Kind.SERVER_ERROR,
}

_TYPES: dict[Kind, tuple[str, str | None]] = {
    Kind.AUTHENTICATION: ("authentication_error", "invalid_api_key"),
    Kind.PERMISSION: ("permission_error", "permission_denied"),
    Kind.FORBIDDEN_ORIGIN: ("permission_error", "forbidden_origin"),
    Kind.MODEL_NOT_FOUND: ("invalid_request_error", "model_not_found"),
    Kind.CONTEXT_OVERFLOW: ("invalid_request_error", "context_length_exceeded"),
    Kind.CONTENT_POLICY: ("invalid_request_error", "content_policy_violation"),
    Kind.RATE_LIMITED: ("rate_limit_error", "rate_limit_exceeded"),
    Kind.QUOTA: ("insufficient_quota", "insufficient_quota"),
    Kind.OVERLOADED: ("server_error", "server_is_overloaded"),
}
"""Kind -> type and code of the API. Others: `server_error` from 500 on, else `invalid_request_error`, with our kind as code."""

# What a provider says of its own key or permissions is not the client's `invalid_api_key`.
_OURS = frozenset({Kind.PROVIDER_KEY, Kind.PROVIDER_PERMISSION})
_WAITS = frozenset({Kind.RATE_LIMITED, Kind.OVERLOADED, Kind.SERVER_ERROR, Kind.TIMEOUT})


class _Told(msgspec.Struct, frozen=True):
    """What an error body says."""

    message: str = ""
    code: str | None = None
    type: str | None = None
    param: str | None = None


def read_error(status: int, headers: Headers, body: bytes) -> GatewayError:
    """A provider's error answer. Takes anything: HTML, nothing, half JSON."""
    try:
        value = msgspec.json.decode(body)
    except NOT_JSON:
        value = plain_words(body)
    error = _error(_told(value), status, f"the provider answered with status {status} and no message")
    asked_s = asked_wait_s(headers) if error.kind in _WAITS else None
    if asked_s is not None:
        error.retry_after_s = asked_s
    return error


def error_inside(value: Any) -> GatewayError:
    """An error that came in a stream or a body of status 200: its code is the status where it is one."""
    told = _told(value)
    status = int(told.code) if told.code is not None and told.code.isascii() and told.code.isdecimal() else None
    status = status if status is not None and 400 <= status < 600 else None
    return _error(told, status, "the provider broke off with an error and no message")


def _error(told: _Told, status: int | None, otherwise: str) -> GatewayError:
    message, kind = told.message or otherwise, _kind(status, told)
    return GatewayError(
        kind,
        without_keys(message),
        source="upstream",
        status=status,
        code=told.code,
        type=told.type,
        param=told.param,
        retry_after_s=spoken_wait_s(message) if kind is Kind.RATE_LIMITED else None,
    )


def write_error(error: GatewayError) -> tuple[int, Headers, bytes]:
    """Status, headers and body for a client of this dialect."""
    headers: list[tuple[str, str]] = [("content-type", "application/json")]
    if error.retry_after_s is not None:
        headers.append(("retry-after", str(math.ceil(error.retry_after_s))))
    return error.honest_status, tuple(headers), msgspec.json.encode({"error": error_object(error)})


def error_frame(error: GatewayError) -> bytes:
    """The last chunk of a stream that failed."""
    return b"data: %b\n\n" % msgspec.json.encode({"error": error_object(error)})


def error_object(error: GatewayError) -> JsonObject:
    """The object under `error`."""
    default_type = "server_error" if error.rule.status >= 500 else "invalid_request_error"
    word, code = _TYPES.get(error.kind, (default_type, error.kind.value))
    if error.source == "upstream" and error.kind not in _OURS:
        word, code = error.type or word, error.code or code
    return {"message": error.message, "type": word, "param": error.param, "code": code}


def is_error(value: JsonObject) -> bool:
    """Whether an object that should be a chunk or a completion tells of an error."""
    if value.get("error"):
        return True
    return "choices" not in value and (value.get("object") == "error" or any(name in value for name in ("detail", "message", "errors")))


def _told(value: Any) -> _Told:
    if isinstance(value, str):
        return _Told(value.strip()[:LONGEST_MESSAGE])
    if isinstance(value, list):
        entries: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
        return _told(entries[0]) if entries else _Told()
    if not isinstance(value, dict):
        return _Told()
    came: JsonObject = value  # pyright: ignore[reportUnknownVariableType]
    inner = came.get("error")
    if isinstance(inner, dict):
        return _object(inner)  # pyright: ignore[reportUnknownArgumentType]
    return _object({**came, "message": inner} if inner else came)


def _object(value: JsonObject) -> _Told:
    message = _sentence(value.get("message") or value.get("detail") or value.get("details") or value.get("errors") or value.get("msg"))
    metadata = value.get("metadata")
    raw = _sentence(metadata.get("raw")) if isinstance(metadata, dict) else ""  # pyright: ignore[reportUnknownMemberType,reportUnknownArgumentType]
    if raw and raw not in message:
        # OpenRouter: "Provider returned error", and what it said in metadata.raw.
        message = f"{message}: {raw}" if message else raw
    return _Told(
        message[:LONGEST_MESSAGE],
        _word(value.get("code")),
        _word(value.get("type")) or _word(value.get("status")),
        _word(value.get("param")),
    )


def _sentence(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, dict):
        came: JsonObject = value  # pyright: ignore[reportUnknownVariableType]
        return _sentence(came.get("message") or came.get("msg") or came.get("error") or "") or msgspec.json.encode(came).decode()
    if isinstance(value, list):
        entries: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
        return "; ".join(_finding(entry) for entry in entries)
    return ""


def _finding(entry: Any) -> str:
    # One row of a validation list: {"loc": ["body", "messages", 0], "msg": "field required"}.
    words = _sentence(entry)
    where = entry.get("loc") if isinstance(entry, dict) else None  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType]
    return f"{'.'.join(str(step) for step in where)}: {words}" if isinstance(where, list) else words  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType]


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _kind(status: int | None, told: _Told) -> Kind:
    # 5xx says nothing of the request, whatever else is said; 401 and 402 have one meaning each.
    if status in (401, 402):
        return kind_of(status)
    named = [_BY_CODE[word.lower()] for word in (told.code, told.type) if word is not None and word.lower() in _BY_CODE]
    if named and named[0] is not Kind.SERVER_ERROR:
        return named[0]
    # That something went wrong is said of all kinds of things: llama.cpp says it of requests that are wrong.
    if (said := kind_by_words(status, told.message)) is not None:
        return said
    if named:
        return named[0]
    if status is None:
        return Kind.INVALID_REQUEST if told.type == "invalid_request_error" else Kind.SERVER_ERROR
    return kind_of(status)
