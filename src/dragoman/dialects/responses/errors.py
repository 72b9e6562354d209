"""Errors: what a provider of this API answers, as a kind; and a kind, as this API says it.

https://platform.openai.com/docs/guides/error-codes
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from dragoman.dialects.errors import LONGEST_MESSAGE, asked_wait_s, kind_by_words, kind_of, page_title, spoken_wait_s, until_s, without_keys
from dragoman.dialects.remainder import JsonObject
from dragoman.ir.errors import GatewayError, Kind
from dragoman.wire.frame import Headers
from dragoman.wire.headers import first
from dragoman.wire.not_json import NOT_JSON

# The provider's own words, wherever they stand (`code`, else `type`), decide first; the status decides what they leave open.
_KIND_BY_WORD: dict[str, Kind] = {
    "context_length_exceeded": Kind.CONTEXT_OVERFLOW,
    "string_above_max_length": Kind.CONTEXT_OVERFLOW,
    "context_window_exceeded": Kind.CONTEXT_OVERFLOW,
    "exceed_context_size_error": Kind.CONTEXT_OVERFLOW,
    "model_not_found": Kind.MODEL_NOT_FOUND,
    "model_not_available": Kind.MODEL_NOT_FOUND,
    "deploymentnotfound": Kind.MODEL_NOT_FOUND,
    "unknown_model": Kind.MODEL_NOT_FOUND,
    "invalid_api_key": Kind.PROVIDER_KEY,
    "incorrect_api_key": Kind.PROVIDER_KEY,
    "authentication_error": Kind.PROVIDER_KEY,
    "invalid_authentication": Kind.PROVIDER_KEY,
    "missing_api_key": Kind.PROVIDER_KEY,
    "account_deactivated": Kind.PROVIDER_KEY,
    "permission_error": Kind.PROVIDER_PERMISSION,
    "permission_denied": Kind.PROVIDER_PERMISSION,
    "unsupported_country_region_territory": Kind.PROVIDER_PERMISSION,
    "insufficient_quota": Kind.QUOTA,
    "billing_hard_limit_reached": Kind.QUOTA,
    "billing_not_active": Kind.QUOTA,
    "usage_limit_reached": Kind.QUOTA,
    "usage_not_included": Kind.QUOTA,
    "insufficient_balance": Kind.QUOTA,
    "rate_limit_exceeded": Kind.RATE_LIMITED,
    "rate_limit_error": Kind.RATE_LIMITED,
    "too_many_requests": Kind.RATE_LIMITED,
    "slow_down": Kind.RATE_LIMITED,
    "server_is_overloaded": Kind.OVERLOADED,
    "overloaded": Kind.OVERLOADED,
    "overloaded_error": Kind.OVERLOADED,
    "invalid_encrypted_content": Kind.SEAL_REFUSED,
    "invalid_prompt": Kind.CONTENT_POLICY,
    "content_filter": Kind.CONTENT_POLICY,
    "content_policy_violation": Kind.CONTENT_POLICY,
    "moderation_blocked": Kind.CONTENT_POLICY,
    "cyber_policy": Kind.CONTENT_POLICY,
    "bio_policy": Kind.CONTENT_POLICY,
    "misalignment_policy_violation": Kind.CONTENT_POLICY,
    "server_error": Kind.SERVER_ERROR,
    "internal_error": Kind.SERVER_ERROR,
    "internal_server_error": Kind.SERVER_ERROR,
    "unsupported_parameter": Kind.INVALID_REQUEST,
    "unsupported_value": Kind.INVALID_REQUEST,
    "invalid_value": Kind.INVALID_REQUEST,
    "not_found_error": Kind.NOT_FOUND,
    "previous_response_not_found": Kind.NOT_FOUND,
    "invalid_request_error": Kind.INVALID_REQUEST,
}
# Words too general to overrule a status that says more.
_GENERAL = frozenset({"invalid_request_error", "server_error", "not_found_error"})

_STATUS = re.compile(r"[45]\d\d", re.ASCII)
# What a provider says of its own key or permissions is not the client's `invalid_api_key`.
_OURS = frozenset({Kind.PROVIDER_KEY, Kind.PROVIDER_PERMISSION})

# kind -> (type, code) as this API says it.
_WORDS: dict[Kind, tuple[str, str | None]] = {
    Kind.INVALID_REQUEST: ("invalid_request_error", None),
    Kind.UNSUPPORTED: ("invalid_request_error", "unsupported_parameter"),
    Kind.MODEL_NOT_FOUND: ("invalid_request_error", "model_not_found"),
    Kind.NOT_FOUND: ("invalid_request_error", "not_found"),
    Kind.AUTHENTICATION: ("invalid_request_error", "invalid_api_key"),
    Kind.PERMISSION: ("invalid_request_error", "permission_denied"),
    Kind.FORBIDDEN_ORIGIN: ("invalid_request_error", "forbidden_origin"),
    Kind.TOO_LARGE: ("invalid_request_error", "request_too_large"),
    Kind.CLIENT_TIMEOUT: ("invalid_request_error", "request_timeout"),
    Kind.CONTEXT_OVERFLOW: ("invalid_request_error", "context_length_exceeded"),
    Kind.CONTENT_POLICY: ("invalid_request_error", "invalid_prompt"),
    Kind.SEAL_REFUSED: ("invalid_request_error", "invalid_encrypted_content"),
    Kind.RATE_LIMITED: ("rate_limit_error", "rate_limit_exceeded"),
    Kind.QUOTA: ("insufficient_quota", "insufficient_quota"),
    Kind.PROVIDER_KEY: ("server_error", "provider_key"),
    Kind.PROVIDER_PERMISSION: ("server_error", "provider_permission"),
    Kind.OVERLOADED: ("server_error", "server_is_overloaded"),
}
_OTHER = ("server_error", "server_error")


def read_error(status: int, headers: Headers, body: bytes) -> GatewayError:
    """A provider's error answer. Takes anything: HTML, nothing, half JSON, an error as a string, a code as a number."""
    value = _decode(body)
    error = error_object(value)
    message = _message(error, value) or _plain_message(status, headers, body)
    found = error_of(error, message, status)
    told = asked_wait_s(headers)
    found.retry_after_s = found.retry_after_s if told is None else told
    if found.kind is Kind.QUOTA:
        found.retry_after_s = _resets_s(error, headers)
    return found


def error_of(error: JsonObject, message: str, status: int | None = None) -> GatewayError:
    """The error that an error object of this API tells of, with the status it came with (None: inside a stream)."""
    code, category = _word(error.get("code")), _word(error.get("type"))
    kind = _kind(status, code, category, message)
    return GatewayError(
        kind,
        without_keys(message),
        source="upstream",
        status=status,
        code=code,
        type=category,
        param=_word(error.get("param")),
        retry_after_s=spoken_wait_s(message) if kind is Kind.RATE_LIMITED else None,
    )


def error_object(value: Any) -> JsonObject:
    """The error object within a body, wherever its maker put it; {} if there is none."""
    if isinstance(value, list) and value:
        value = value[0]  # some compatible endpoints wrap their error in a list  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(value, dict):
        return {}
    came: JsonObject = value  # pyright: ignore[reportUnknownVariableType]
    error = came.get("error")
    if isinstance(error, dict):
        return error  # pyright: ignore[reportUnknownVariableType]
    if isinstance(error, str):
        return {**came, "message": error}
    return came


def write_error(error: GatewayError) -> tuple[int, Headers, bytes]:
    """Honest status, headers, and the body `{"error": {message, type, param, code}}`."""
    headers: list[tuple[str, str]] = [("content-type", "application/json")]
    if error.retry_after_s is not None:
        headers.append(("retry-after", str(max(0, -int(-error.retry_after_s // 1)))))
    return error.honest_status, tuple(headers), msgspec.json.encode({"error": written(error)})


def written(error: GatewayError) -> JsonObject:
    """The error object of this API."""
    category, code = words(error)
    return {"message": error.message, "type": category, "param": error.param, "code": code}


def words(error: GatewayError) -> tuple[str, str | None]:
    """`type` and `code`: the error's own where it has them, else those of its kind."""
    category, code = _WORDS.get(error.kind, _OTHER)
    if error.kind in _OURS:
        return category, code
    return error.type or category, error.code or code


def _kind(status: int | None, code: str | None, category: str | None, message: str) -> Kind:
    named = [_KIND_BY_WORD[word] for word in _lowered(code, category) if word in _KIND_BY_WORD and word not in _GENERAL]
    if named:
        return named[0]
    # Other servers of this API give sentences without a code (xAI, vLLM).
    if status not in (401, 402) and (said := kind_by_words(status, message)) is not None:
        return said
    if status is not None:
        return kind_of(status)
    general = [_KIND_BY_WORD[word] for word in _lowered(code, category) if word in _GENERAL]
    if general:
        return general[0]
    # Some put a status where the code belongs.
    return kind_of(int(code)) if code is not None and _STATUS.fullmatch(code) else Kind.SERVER_ERROR


def _lowered(*words: str | None) -> list[str]:
    return [word.lower() for word in words if word]


def _word(value: Any) -> str | None:
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _decode(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except NOT_JSON:
        return None


def _message(error: JsonObject, value: Any) -> str | None:
    said = _said(error, value)
    metadata = error.get("metadata")
    raw: Any = metadata.get("raw") if isinstance(metadata, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    # OpenRouter: "Provider returned error", and what that one said beside it.
    return f"{said}: {raw}"[:LONGEST_MESSAGE] if said and isinstance(raw, str) and raw and raw not in said else said


def _said(error: JsonObject, value: Any) -> str | None:
    for name in ("message", "detail", "msg", "error_description"):
        found = error.get(name)
        if isinstance(found, str) and found.strip():
            return found.strip()[:LONGEST_MESSAGE]
        if found and name == "detail":
            return msgspec.json.encode(found).decode()[:LONGEST_MESSAGE]
    return value.strip()[:LONGEST_MESSAGE] if isinstance(value, str) and value.strip() else None


_TAGS = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)


def _plain_message(status: int, headers: Headers, body: bytes) -> str:
    """What a body that is not JSON says, shortened: a page's title, a line of text, or nothing."""
    if not body.strip():
        return f"the provider answered HTTP {status} without a word"
    text = body[:20_000].decode("utf-8", "replace")
    title = page_title(text)
    said = " ".join(_TAGS.sub(" ", text if title is None else title).split())[:300]
    kind = (first(headers, "content-type") or "text").partition(";")[0]
    return f"the provider answered HTTP {status} with {kind}: {said}" if said else f"the provider answered HTTP {status} with {kind}"


def _resets_s(error: JsonObject, headers: Headers) -> float | None:
    """When a subscription's limit ends: `resets_in_seconds`, or `resets_at` in Unix seconds."""
    wait, at = error.get("resets_in_seconds"), error.get("resets_at")
    if isinstance(wait, int | float) and wait > 0:
        return float(wait)
    return until_s(float(at), headers) if isinstance(at, int | float) else None
