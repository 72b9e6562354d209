"""Errors: what a provider of this API answers, as a kind; and a kind, as this API says it.

`{"type": "error", "error": {"type", "message", "details"?}, "request_id"?}`. https://platform.claude.com/docs/en/api/errors
"""

from __future__ import annotations

import math
import re
from typing import Any

import msgspec

from dragoman.dialects.errors import LONGEST_MESSAGE, asked_wait_s, kind_of, plain_words, without_keys
from dragoman.dialects.remainder import JsonObject, object_or_empty, text_or_none
from dragoman.ir.errors import GatewayError, Kind
from dragoman.wire.frame import Headers
from dragoman.wire.headers import first
from dragoman.wire.not_json import NOT_JSON
from dragoman.wire.sse import encode

_BY_TYPE: dict[str, Kind] = {
    "authentication_error": Kind.PROVIDER_KEY,
    "billing_error": Kind.QUOTA,
    "permission_error": Kind.PROVIDER_PERMISSION,
    "not_found_error": Kind.NOT_FOUND,
    "request_too_large": Kind.TOO_LARGE,
    "rate_limit_error": Kind.RATE_LIMITED,
    "overloaded_error": Kind.OVERLOADED,
    "timeout_error": Kind.TIMEOUT,
    "api_error": Kind.SERVER_ERROR,
    "conflict_error": Kind.SERVER_ERROR,
    "invalid_request_error": Kind.INVALID_REQUEST,
}
# `error.details.error_code`: what the type is too coarse for.
_BY_CODE: dict[str, Kind] = {
    "contract_spend_limit_reached": Kind.QUOTA,
    "spend_limit_reached": Kind.QUOTA,
    "credit_balance_too_low": Kind.QUOTA,
    "context_window_exceeded": Kind.CONTEXT_OVERFLOW,
    "prompt_too_long": Kind.CONTEXT_OVERFLOW,
}
# Words of `invalid_request_error` and `not_found_error`, which hold for several kinds.
_BY_WORDS: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE | re.DOTALL))
    for kind, pattern in (
        (
            Kind.CONTEXT_OVERFLOW,
            r"prompt is too long|input is too long|exceeds? (the )?(model'?s )?(maximum )?context (window|length|limit)"
            r"|input length and `?max_tokens`? exceed|exceed_context_size|too many (input )?tokens",
        ),
        (
            Kind.QUOTA,
            r"(spend|spending|usage|billing) limits?\b.{0,60}(reached|exceeded|hit)"
            r"|(reached|exceeded|hit).{0,60}(spend|spending|usage|billing) limits?\b"
            r"|credit balance is too low|purchase credits|disabled.{0,40}billing",
        ),
        (
            Kind.SEAL_REFUSED,
            r"invalid `?signature`? in `?thinking`?|bound to a different (conversation|model)|thinking.{0,60}cannot be modified",
        ),
        (Kind.CONTENT_POLICY, r"content filtering policy|blocked by.{0,40}policy"),
    )
)
_WORDED = frozenset({"invalid_request_error", "not_found_error", "permission_error", "rate_limit_error", "api_error", ""})
_MODEL = re.compile(r"\bmodel\b", re.IGNORECASE)

# Kind -> type. Others: `api_error` from 500 on, else `invalid_request_error`.
_TYPES: dict[Kind, str] = {
    Kind.AUTHENTICATION: "authentication_error",
    Kind.PERMISSION: "permission_error",
    Kind.FORBIDDEN_ORIGIN: "permission_error",
    Kind.MODEL_NOT_FOUND: "not_found_error",
    Kind.NOT_FOUND: "not_found_error",
    Kind.TOO_LARGE: "request_too_large",
    Kind.RATE_LIMITED: "rate_limit_error",
    Kind.QUOTA: "billing_error",
    Kind.OVERLOADED: "overloaded_error",
    Kind.SHUTTING_DOWN: "overloaded_error",
    Kind.TIMEOUT: "timeout_error",
    Kind.CLIENT_TIMEOUT: "timeout_error",
}
_WAITS = frozenset({Kind.RATE_LIMITED, Kind.OVERLOADED, Kind.SERVER_ERROR, Kind.TIMEOUT})


def read_error(status: int, headers: Headers, body: bytes) -> GatewayError:
    """A provider's error answer. Takes anything: HTML, nothing, half JSON."""
    try:
        value: Any = msgspec.json.decode(body)
    except NOT_JSON:
        value = {"error": {"message": plain_words(body)}}
    error = _error(value, status)
    if error.kind in _WAITS:
        error.retry_after_s = asked_wait_s(headers)
    request_id = first(headers, "request-id")
    if request_id is not None and request_id not in error.message:
        # What Anthropic's support asks for first.
        error.message = f"{error.message} (request `{request_id}`)"
    return error


def error_inside(value: Any) -> GatewayError:
    """An error that came in a stream or a body of status 200."""
    return _error(value, None)


def write_error(error: GatewayError) -> tuple[int, Headers, bytes]:
    """Status, headers and body for a client of this dialect. Overload is told by the status that it knows, 529."""
    headers: list[tuple[str, str]] = [("content-type", "application/json")]
    if error.retry_after_s is not None:
        headers.append(("retry-after", str(math.ceil(error.retry_after_s))))
    if error.rule.permanent:
        headers.append(("x-should-retry", "false"))
    status = 529 if error.kind is Kind.OVERLOADED else error.honest_status
    return status, tuple(headers), msgspec.json.encode(error_event(error))


def error_frame(error: GatewayError) -> bytes:
    """The last event of a stream that failed."""
    return encode(msgspec.json.encode(error_event(error)), b"error")


def error_event(error: GatewayError) -> JsonObject:
    """The error object of this API, the same in a body and in a stream."""
    word = _TYPES.get(error.kind, "api_error" if error.rule.status >= 500 else "invalid_request_error")
    message = error.message
    if error.kind is Kind.CONTEXT_OVERFLOW and "prompt is too long" not in message:
        # Agents know a conversation that has grown too long by these words only.
        message = f"prompt is too long: {message}"
    return {"type": "error", "error": {"type": word, "message": message}}


def _error(value: Any, status: int | None) -> GatewayError:
    came = object_or_empty(value)
    inner: Any = came.get("error")
    told = object_or_empty(inner) or came
    message = inner if isinstance(inner, str) else text_or_none(told, "message") or text_or_none(told, "detail") or ""
    word = text_or_none(told, "type") or ""
    word = "" if word == "error" else word
    code = text_or_none(object_or_empty(told.get("details")), "error_code")
    kind = _kind(status, word, code, message)
    if not message.strip():
        message = f"the provider answered HTTP {status} without a word" if status else "the provider broke off with an error and no message"
    message = without_keys(message.strip()[:LONGEST_MESSAGE])
    return GatewayError(kind, message, source="upstream", status=status, code=code, type=word or None)


def _kind(status: int | None, word: str, code: str | None, message: str) -> Kind:
    if code is not None and code in _BY_CODE:
        return _BY_CODE[code]
    if word in _WORDED and (status is None or status < 500 or word == ""):
        for kind, pattern in _BY_WORDS:
            if pattern.search(message):
                return kind
    if word == "not_found_error" and _MODEL.search(message):
        return Kind.MODEL_NOT_FOUND
    if word in _BY_TYPE and word != "invalid_request_error":
        return _BY_TYPE[word]
    if status is None:
        return _BY_TYPE.get(word, Kind.SERVER_ERROR)
    return kind_of(status)
