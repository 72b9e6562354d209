"""Errors of the dialect `messages`: what Anthropic and others answer, to its kind; and kinds to the API's own form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialects.messages import DIALECT
from dragoman.ir.errors import GatewayError, Kind

DATE = ("date", "Sat, 21 Nov 2026 12:00:00 GMT")


def read(status: int, body: Any, *headers: tuple[str, str]) -> GatewayError:
    return DIALECT.read_error(status, headers, body if isinstance(body, bytes) else json.dumps(body).encode())


def told(type: str, message: str = "x", code: str | None = None) -> Any:
    details = {"details": {"error_code": code}} if code else {}
    return {"request_id": "req_1", "error": {"message": message, "type": type, **details}, "type": "error"}


BAD = "invalid_request_error"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, told(BAD, "max_tokens: Field required"), Kind.INVALID_REQUEST),
        (400, told(BAD, "prompt is too long: 3333404 tokens > 200000 maximum"), Kind.CONTEXT_OVERFLOW),
        (400, told(BAD, "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000"), Kind.CONTEXT_OVERFLOW),
        (400, told(BAD, "messages.1.content: Input should be a valid list"), Kind.INVALID_REQUEST),
        (400, told(BAD, "You have reached your specified API usage limits. You will regain access on 2026-12-01"), Kind.QUOTA),
        (400, told(BAD, "Your credit balance is too low to access the Anthropic API."), Kind.QUOTA),
        (400, told(BAD, "limit", "contract_spend_limit_reached"), Kind.QUOTA),
        (400, told(BAD, "messages.1.content.0: Invalid `signature` in `thinking` block"), Kind.SEAL_REFUSED),
        (400, told(BAD, "The block is bound to a different conversation"), Kind.SEAL_REFUSED),
        (400, told(BAD, "Output blocked by content filtering policy"), Kind.CONTENT_POLICY),
        (401, told("authentication_error", "invalid x-api-key"), Kind.PROVIDER_KEY),
        (402, told("billing_error"), Kind.QUOTA),
        (403, told("permission_error"), Kind.PROVIDER_PERMISSION),
        (404, told("not_found_error", "model: claude-sonet-4-5"), Kind.MODEL_NOT_FOUND),
        (404, told("not_found_error", "file not there"), Kind.NOT_FOUND),
        (409, told("conflict_error"), Kind.SERVER_ERROR),
        (413, told("request_too_large", "Request exceeds the maximum size"), Kind.TOO_LARGE),
        (429, told("rate_limit_error", "This request would exceed your rate limit"), Kind.RATE_LIMITED),
        (500, told("api_error", "Internal server error"), Kind.SERVER_ERROR),
        (504, told("timeout_error"), Kind.TIMEOUT),
        (529, told("overloaded_error", "Overloaded"), Kind.OVERLOADED),
        (529, b"", Kind.OVERLOADED),
        (502, b"<html><title>502 Bad Gateway</title></html>", Kind.SERVER_ERROR),
        (400, {"error": "the request exceeds the available context size: exceed_context_size"}, Kind.CONTEXT_OVERFLOW),
        (401, {"message": "no auth"}, Kind.PROVIDER_KEY),
        (418, b"[]", Kind.INVALID_REQUEST),
    ],
)
def test_an_error_has_its_kind(status: int, body: Any, kind: Kind) -> None:
    error = read(status, body)

    assert (error.kind, error.status, error.source) == (kind, status, "upstream")
    assert error.message


def test_an_error_names_its_request_and_waits_as_told() -> None:
    error = read(
        429, told("rate_limit_error", "slow down"), ("request-id", "req_7"), ("retry-after", "Sat, 21 Nov 2026 12:00:30 GMT"), DATE
    )

    assert error.message == "slow down (request `req_7`)"
    assert (error.retry_after_s, error.type) == (30.0, "rate_limit_error")


def test_no_key_is_repeated() -> None:
    assert "sk-ant" not in read(401, told("authentication_error", "invalid x-api-key: sk-ant-api03-abcdef")).message


@given(st.integers(400, 599), st.binary(max_size=40))
def test_anything_can_be_read(status: int, body: bytes) -> None:
    assert read(status, body).message


@pytest.mark.parametrize(
    ("error", "status", "word"),
    [
        (GatewayError(Kind.AUTHENTICATION, "m"), 401, "authentication_error"),
        (GatewayError(Kind.MODEL_NOT_FOUND, "m"), 404, "not_found_error"),
        (GatewayError(Kind.OVERLOADED, "m"), 529, "overloaded_error"),
        (GatewayError(Kind.UNSUPPORTED, "m"), 400, "invalid_request_error"),
        (GatewayError(Kind.PROVIDER_KEY, "m", status=401), 502, "api_error"),
        (GatewayError(Kind.TOO_LARGE, "m"), 413, "request_too_large"),
    ],
)
def test_a_kind_is_told_in_the_apis_words(error: GatewayError, status: int, word: str) -> None:
    found, _, body = DIALECT.write_error(error)

    assert (found, json.loads(body)) == (status, {"type": "error", "error": {"type": word, "message": "m"}})


def test_waiting_and_giving_up_are_told_in_headers() -> None:
    _, waits, _ = DIALECT.write_error(GatewayError(Kind.RATE_LIMITED, "m", retry_after_s=1.2))
    _, gives_up, _ = DIALECT.write_error(GatewayError(Kind.INVALID_REQUEST, "m"))

    assert waits == (("content-type", "application/json"), ("retry-after", "2"))
    assert gives_up == (("content-type", "application/json"), ("x-should-retry", "false"))


def test_overflow_is_told_in_the_words_that_agents_look_for() -> None:
    _, _, body = DIALECT.write_error(GatewayError(Kind.CONTEXT_OVERFLOW, "it has 9 tokens"))

    assert json.loads(body)["error"]["message"] == "prompt is too long: it has 9 tokens"
