"""Errors: Google's form to a kind, and a kind to Google's form.

https://cloud.google.com/apis/design/errors, https://ai.google.dev/gemini-api/docs/troubleshooting. Seen: `{error: {code, message,
status, details}}`, the same in a list (streams), `{error: "…"}`, HTML, nothing.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from dragoman.dialects.errors import KIND_BY_STATUS, LONGEST_MESSAGE, asked_wait_s, kind_of, plain_words, spoken_wait_s, without_keys
from dragoman.dialects.generate.remainder import text_or_none
from dragoman.dialects.remainder import JsonObject, object_or_empty, objects
from dragoman.ir.errors import GatewayError, Kind
from dragoman.wire.frame import Headers
from dragoman.wire.not_json import NOT_JSON

_BY_REASON: dict[str, Kind] = {
    "API_KEY_INVALID": Kind.PROVIDER_KEY,
    "API_KEY_EXPIRED": Kind.PROVIDER_KEY,
    "API_KEY_SERVICE_BLOCKED": Kind.PROVIDER_PERMISSION,
    "ACCESS_TOKEN_EXPIRED": Kind.PROVIDER_KEY,
    "CREDENTIALS_MISSING": Kind.PROVIDER_KEY,
    "SERVICE_DISABLED": Kind.PROVIDER_PERMISSION,
    "BILLING_DISABLED": Kind.QUOTA,
    "RATE_LIMIT_EXCEEDED": Kind.RATE_LIMITED,
}
"""`reason` of an ErrorInfo in the details."""

_BY_WORDS: tuple[tuple[Kind, frozenset[int | None], re.Pattern[str]], ...] = tuple(
    (kind, statuses, re.compile(pattern, re.IGNORECASE))
    for kind, statuses, pattern in (
        (
            Kind.CONTEXT_OVERFLOW,
            frozenset({None, 400, 413}),
            r"token count.{0,60}exceeds|exceeds the maximum number of tokens|input (is|context is) too long|prompt is too long"
            r"|context (length|window).{0,40}exceed|too many tokens",
        ),
        (Kind.PROVIDER_KEY, frozenset({None, 400, 403}), r"api.?key.{0,30}(not valid|invalid|expired|not found|missing)|valid api key"),
        (
            Kind.MODEL_NOT_FOUND,
            frozenset({None, 404}),
            r"models?/\S+ (is|was) not found|publisher model .{0,200}not found|not supported for",
        ),
        (Kind.UNSUPPORTED, frozenset({400}), r"user location is not supported"),
        # A day's or a project's end, not a minute's: waiting as long as a client may wait doesn't help.
        (Kind.QUOTA, frozenset({429}), r"limit: 0\b|per ?day|(spend|spending|billing|prepay).{0,20}(limit|cap|credit|deplet)"),
    )
)

_BY_STATUS_WORD: dict[str, Kind] = {
    "UNAUTHENTICATED": Kind.PROVIDER_KEY,
    "PERMISSION_DENIED": Kind.PROVIDER_PERMISSION,
    "NOT_FOUND": Kind.NOT_FOUND,
    "RESOURCE_EXHAUSTED": Kind.RATE_LIMITED,
    "UNAVAILABLE": Kind.OVERLOADED,
    "DEADLINE_EXCEEDED": Kind.TIMEOUT,
    "CANCELLED": Kind.SERVER_ERROR,
    "INTERNAL": Kind.SERVER_ERROR,
    "ABORTED": Kind.SERVER_ERROR,
    "UNKNOWN": Kind.SERVER_ERROR,
    "DATA_LOSS": Kind.SERVER_ERROR,
    "INVALID_ARGUMENT": Kind.INVALID_REQUEST,
    "FAILED_PRECONDITION": Kind.INVALID_REQUEST,
    "OUT_OF_RANGE": Kind.INVALID_REQUEST,
}
_WORDS: dict[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""HTTP status -> the word of the API."""

_SECONDS = re.compile(r"(\d+(?:\.\d+)?)s\Z")


def read_error(status: int, headers: Headers, body: bytes) -> GatewayError:
    """A provider's error answer. Takes anything: HTML, nothing, half JSON."""
    try:
        value: Any = msgspec.json.decode(body)
    except NOT_JSON:
        return _error(status, headers, {"message": plain_words(body)})
    return _error(status, headers, _told(value))


def error_inside(value: Any) -> GatewayError:
    """An error in a stream, or in a body that came with status 200."""
    told = _told(value)
    if not told:
        return GatewayError(Kind.GARBLED, "the provider's answer is neither a reply nor an error of its API", source="upstream")
    code = told.get("code")
    return _error(code if isinstance(code, int) and 400 <= code < 600 else None, (), told)


def is_error(value: Any) -> bool:
    """Whether a chunk or a body tells of an error."""
    return bool(_told(value))


def error_frame(error: GatewayError) -> bytes:
    """The last chunk of a stream that failed."""
    return b"data: %b\n\n" % msgspec.json.encode({"error": error_object(error)})


def error_object(error: GatewayError) -> JsonObject:
    """The object `error` of the API."""
    status = error.honest_status
    word = error.type if error.type in _BY_STATUS_WORD else _WORDS.get(status, "INTERNAL" if status >= 500 else "FAILED_PRECONDITION")
    told: JsonObject = {"code": status, "message": error.message, "status": word}
    details: list[JsonObject] = []
    if error.rule.permanent or error.code is not None:
        details.append(
            {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": (error.code or error.kind.value).upper(), "domain": "dragoman"}
        )
    if error.retry_after_s is not None:
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{error.retry_after_s:g}s"})
    return {**told, "details": details} if details else told


def write_error(error: GatewayError) -> tuple[int, Headers, bytes]:
    """Honest status, headers, and body of the API."""
    headers: list[tuple[str, str]] = [("content-type", "application/json; charset=UTF-8")]
    if error.retry_after_s is not None:
        headers.append(("retry-after", str(max(1, round(error.retry_after_s)))))
    return error.honest_status, tuple(headers), msgspec.json.encode({"error": error_object(error)})


def _told(value: Any) -> JsonObject:
    """The error object in whatever came; empty if there is none."""
    if isinstance(value, list):
        nothing: JsonObject = {}
        return next((told for entry in objects(value) if (told := _told(entry))), nothing)
    error = object_or_empty(value).get("error")
    if isinstance(error, str):
        came = object_or_empty(value)
        return {"message": text_or_none(came.get("error_description")) or error}
    return object_or_empty(error)


def _error(status: int | None, headers: Headers, told: JsonObject) -> GatewayError:
    message = (text_or_none(told.get("message")) or f"the provider answered with status {status} and no message").strip()[:LONGEST_MESSAGE]
    word, details = text_or_none(told.get("status")), objects(told.get("details"))
    reason = next((found for detail in details if (found := text_or_none(detail.get("reason"))) is not None), None)
    # Of the quotas that were exceeded only their ids tell whether they are a minute's or a day's.
    quotas = " ".join(str(quota.get("quotaId", "")) for detail in details for quota in objects(detail.get("violations")))
    kind = _kind(status, word, reason, f"{message} {quotas}")
    waits = kind in (Kind.RATE_LIMITED, Kind.OVERLOADED, Kind.SERVER_ERROR, Kind.TIMEOUT)
    return GatewayError(
        kind,
        without_keys(message),
        source="upstream",
        status=status,
        code=reason,
        type=word,
        retry_after_s=_wait(headers, details, message) if waits else None,
    )


def _kind(status: int | None, word: str | None, reason: str | None, message: str) -> Kind:
    if reason in _BY_REASON:
        return _BY_REASON[reason]
    for kind, statuses, pattern in _BY_WORDS:
        if status in statuses and pattern.search(message):
            return kind
    if word in _BY_STATUS_WORD and status not in KIND_BY_STATUS:
        return _BY_STATUS_WORD[word]
    return Kind.SERVER_ERROR if status is None else kind_of(status)


def _wait(headers: Headers, details: list[JsonObject], message: str) -> float | None:
    for detail in details:
        found = _SECONDS.match(str(detail.get("retryDelay", "")))
        if found is not None:
            return float(found[1])
    asked_s = asked_wait_s(headers)
    return spoken_wait_s(message) if asked_s is None else asked_s
