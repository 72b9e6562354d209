"""Errors of the dialect `responses`, from any provider and to any client."""

from __future__ import annotations

import json

import pytest

from dragoman.dialects.responses import DIALECT
from dragoman.ir.errors import RULES, GatewayError, Kind


def error(message: str = "m", **words: object) -> bytes:
    return json.dumps({"error": {"message": message, **words}}).encode()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, error(code="context_length_exceeded", type="invalid_request_error"), Kind.CONTEXT_OVERFLOW),
        (400, error(code="model_not_found"), Kind.MODEL_NOT_FOUND),
        (404, error(code="model_not_found"), Kind.MODEL_NOT_FOUND),
        (404, error(code="DeploymentNotFound"), Kind.MODEL_NOT_FOUND),
        (400, error(code="invalid_encrypted_content"), Kind.SEAL_REFUSED),
        (400, error(code="unsupported_parameter"), Kind.INVALID_REQUEST),
        (401, error(code="invalid_api_key", type="invalid_request_error"), Kind.PROVIDER_KEY),
        (401, error(code="401"), Kind.PROVIDER_KEY),
        (402, b"", Kind.QUOTA),
        (403, error(), Kind.PROVIDER_PERMISSION),
        (404, error(), Kind.NOT_FOUND),
        (429, error(code="insufficient_quota", type="insufficient_quota"), Kind.QUOTA),
        (429, error(code="rate_limit_exceeded"), Kind.RATE_LIMITED),
        (429, error(type="tokens", code=None), Kind.RATE_LIMITED),
        (500, error(type="server_error"), Kind.SERVER_ERROR),
        (503, error(type="server_error"), Kind.OVERLOADED),
        (503, error(code="server_is_overloaded"), Kind.OVERLOADED),
        (504, b"", Kind.TIMEOUT),
        (529, b"", Kind.OVERLOADED),
        (418, b"", Kind.INVALID_REQUEST),
        (599, b"", Kind.SERVER_ERROR),
    ],
)
def test_the_kind_of_a_providers_error(status: int, body: bytes, kind: Kind) -> None:
    found = DIALECT.read_error(status, (), body)

    assert (found.kind, found.status, found.source) == (kind, status, "upstream")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (error("Said plainly."), "Said plainly."),
        (b'{"error": "a string", "code": "x"}', "a string"),
        (b'{"message": "bare"}', "bare"),
        (b'{"detail": "python"}', "python"),
        (b'{"detail": [{"loc": ["a"], "msg": "b"}]}', '[{"loc":["a"],"msg":"b"}]'),
        (b'[{"error": {"message": "wrapped", "code": 400}}]', "wrapped"),
        (b'"only words"', "only words"),
        (b"", "the provider answered HTTP 500 without a word"),
        (b"  \n", "the provider answered HTTP 500 without a word"),
        (b"upstream connect error", "the provider answered HTTP 500 with text/html: upstream connect error"),
        (
            b"<html><head><title>502 Bad\nGateway</title></head><body>x</body></html>",
            "the provider answered HTTP 500 with text/html: 502 Bad Gateway",
        ),
        (b"<script>evil()</script><p>Down</p>", "the provider answered HTTP 500 with text/html: Down"),
        (b'{"error": {"mess', 'the provider answered HTTP 500 with text/html: {"error": {"mess'),
        (b"\xff\xfe", "the provider answered HTTP 500 with text/html: \ufffd\ufffd"),
        (b"[" * 100_000, "the provider answered HTTP 500 with text/html: " + "[" * 300),
    ],
)
def test_the_message_of_a_providers_error(body: bytes, message: str) -> None:
    assert DIALECT.read_error(500, (("content-type", "text/html; charset=utf-8"),), body).message == message


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ((("retry-after", "7"),), 7.0),
        ((("retry-after", "7"), ("retry-after-ms", "1500")), 1.5),
        ((("date", "Sat, 21 Nov 2026 12:00:00 GMT"), ("retry-after", "Sat, 21 Nov 2026 12:00:40 GMT")), 40.0),
        ((("retry-after", "Sat, 21 Nov 2026 12:00:40 GMT"),), None),
        ((("retry-after", "soon"), ("date", "never")), None),
        ((), None),
    ],
)
def test_how_long_a_provider_asks_to_wait(headers: tuple[tuple[str, str], ...], wait_s: float | None) -> None:
    assert DIALECT.read_error(429, headers, error()).retry_after_s == wait_s


def test_an_error_is_told_in_the_form_of_the_api() -> None:
    found = DIALECT.read_error(429, (("retry-after-ms", "1200"),), error("Slow.", type="tokens", code="rate_limit_exceeded", param="x"))

    status, headers, body = DIALECT.write_error(found)

    assert (status, headers) == (429, (("content-type", "application/json"), ("retry-after", "2")))
    assert json.loads(body) == {"error": {"message": "Slow.", "type": "tokens", "param": "x", "code": "rate_limit_exceeded"}}


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_its_honest_status_and_a_complete_body(kind: Kind) -> None:
    status, _, body = DIALECT.write_error(GatewayError(kind, "m"))

    assert status == RULES[kind].status
    assert set(json.loads(body)["error"]) == {"message", "type", "param", "code"}


def test_a_refused_provider_key_is_not_the_clients() -> None:
    assert DIALECT.write_error(DIALECT.read_error(401, (), error(code="invalid_api_key")))[0] == 502


@pytest.mark.parametrize(
    ("words", "wait_s"),
    [
        ("Please try again in 1.5s.", 1.5),
        ("Please try again in 350ms.", 0.35),
        ("Please try again in 1m2.5s. Visit …", 62.5),
        ("Please try again in 6m0s.", 360.0),
        ("Please try again later.", None),
    ],
)
def test_a_wait_that_is_told_in_words_only(words: str, wait_s: float | None) -> None:
    found = DIALECT.read_error(429, (), error(words, code="rate_limit_exceeded"))

    assert found.retry_after_s == wait_s


@pytest.mark.parametrize(
    ("told", "wait_s"), [({"resets_in_seconds": 90}, 90.0), ({"resets_at": 1_800_003_600}, 3600.0), ({"resets_at": 5}, None), ({}, None)]
)
def test_the_end_of_a_subscriptions_limit_is_a_wait(told: dict[str, int], wait_s: float | None) -> None:
    found = DIALECT.read_error(429, (("date", "Fri, 15 Jan 2027 08:00:00 GMT"),), error(type="usage_limit_reached", **told))

    assert (found.kind, found.retry_after_s) == (Kind.QUOTA, wait_s)


def test_parts_of_the_providers_key_are_not_told() -> None:
    found = DIALECT.read_error(401, (), error("Incorrect API key provided: sk-proj-********abcd. Find yours."))

    assert found.message == "Incorrect API key provided: [key] Find yours."


def test_what_the_provider_behind_a_provider_said_is_told_too() -> None:
    found = DIALECT.read_error(429, (), error("Provider returned error", metadata={"raw": "m is limited upstream."}))

    assert found.message == "Provider returned error: m is limited upstream."
