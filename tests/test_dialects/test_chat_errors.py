"""Errors of the dialect `chat`: every shape that servers send, to its kind; and kinds to the API's own form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialects.chat import DIALECT
from dragoman.ir.errors import GatewayError, Kind

DATE = ("date", "Sat, 21 Nov 2026 12:00:00 GMT")


def read(status: int, body: Any, *headers: tuple[str, str]) -> GatewayError:
    return DIALECT.read_error(status, headers, body if isinstance(body, bytes) else json.dumps(body).encode())


def oai(message: str, type: str | None = None, code: Any = None) -> Any:
    return {"error": {"message": message, "type": type, "param": None, "code": code}}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, oai("Invalid value", "invalid_request_error"), Kind.INVALID_REQUEST),
        (400, oai("x", "invalid_request_error", "context_length_exceeded"), Kind.CONTEXT_OVERFLOW),
        (400, oai("This model's maximum context length is 8192 tokens"), Kind.CONTEXT_OVERFLOW),
        (400, oai("This endpoint's maximum context length is 200000 tokens. However, you requested 1"), Kind.CONTEXT_OVERFLOW),
        (400, oai("prompt is too long: 250000 tokens > 200000 maximum"), Kind.CONTEXT_OVERFLOW),
        (400, oai("The input token count (9) exceeds the maximum number of tokens allowed (8)."), Kind.CONTEXT_OVERFLOW),
        (400, oai("the request exceeds the available context size, try increasing it", "exceed_context_size_error"), Kind.CONTEXT_OVERFLOW),
        (400, oai("Context window exceeded: 9000 tokens"), Kind.CONTEXT_OVERFLOW),
        (400, oai("Invalid 'search_context_size': must be low, medium or high"), Kind.INVALID_REQUEST),
        (400, oai("Invalid 'messages': array too long. Expected an array with maximum length 2048"), Kind.INVALID_REQUEST),
        (400, oai("Unsupported value for this model: `x` is not a valid effort"), Kind.INVALID_REQUEST),
        (413, oai("Please reduce the length of the messages", code="x"), Kind.CONTEXT_OVERFLOW),
        (413, b"", Kind.TOO_LARGE),
        (400, oai("Incorrect API key provided: sk-x", "invalid_request_error"), Kind.PROVIDER_KEY),
        (
            400,
            [{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT"}}],
            Kind.PROVIDER_KEY,
        ),
        (400, {"code": "Client specified an invalid argument", "error": "Incorrect API key provided"}, Kind.PROVIDER_KEY),
        (401, oai("nope"), Kind.PROVIDER_KEY),
        (401, b"Unauthorized", Kind.PROVIDER_KEY),
        (402, oai("Insufficient Balance", code="invalid_request_error"), Kind.QUOTA),
        (403, oai("not for you"), Kind.PROVIDER_PERMISSION),
        (404, oai("The model `x` does not exist or you do not have access to it.", code="model_not_found"), Kind.MODEL_NOT_FOUND),
        (404, {"error": {"message": 'model "x" not found, try pulling it first', "type": "api_error"}}, Kind.MODEL_NOT_FOUND),
        (400, oai("x is not a valid model ID", code=400), Kind.MODEL_NOT_FOUND),
        (404, b"404 page not found", Kind.NOT_FOUND),
        (408, b"", Kind.TIMEOUT),
        (422, {"detail": [{"loc": ["body", "messages", 0], "msg": "field required"}]}, Kind.INVALID_REQUEST),
        (429, oai("Rate limit reached", "tokens", "rate_limit_exceeded"), Kind.RATE_LIMITED),
        (429, oai("You exceeded your current quota, please check your plan and billing details.", "insufficient_quota"), Kind.QUOTA),
        (429, b"", Kind.RATE_LIMITED),
        (429, oai("The engine is currently overloaded, please try again later", "engine_overloaded_error"), Kind.OVERLOADED),
        (400, oai("x", code="content_filter"), Kind.CONTENT_POLICY),
        (500, oai("The server had an error"), Kind.SERVER_ERROR),
        (502, b"<html><head><title>502 Bad Gateway</title></head></html>", Kind.SERVER_ERROR),
        (503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}, Kind.OVERLOADED),
        (504, b"", Kind.TIMEOUT),
        (529, b"", Kind.OVERLOADED),
        (418, {}, Kind.INVALID_REQUEST),
        (599, {}, Kind.SERVER_ERROR),
    ],
)
def test_every_shape_has_its_kind(status: int, body: Any, kind: Kind) -> None:
    error = read(status, body)

    assert (error.kind, error.status, error.source) == (kind, status, "upstream")
    assert error.message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "m"}}, "m"),
        ({"error": "m"}, "m"),
        ({"message": "m"}, "m"),
        ({"detail": "m"}, "m"),
        ({"detail": [{"loc": ["body", "n"], "msg": "bad"}, {"msg": "worse"}]}, "body.n: bad; worse"),
        ({"errors": ["a", {"message": "b"}]}, "a; b"),
        ([{"error": {"message": "m"}}], "m"),
        ({"error": {"message": "Provider returned error", "metadata": {"raw": "too hot"}}}, "Provider returned error: too hot"),
        (b"plain words\n", "plain words"),
        (b"<!doctype html><title> Bad\n gateway </title>", "the provider answered with a web page: Bad gateway"),
        (b"", "the provider answered with status 500 and no message"),
        (b"{}", "the provider answered with status 500 and no message"),
        (b'{"error"', '{"error"'),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_every_shape_has_its_words(body: Any, message: str) -> None:
    assert read(500, body).message == message


@given(st.integers(400, 599), st.binary(max_size=60))
def test_anything_is_an_error(status: int, body: bytes) -> None:
    assert DIALECT.read_error(status, (), body).message


def test_code_type_and_param_are_kept() -> None:
    error = read(400, {"error": {"message": "m", "type": "t", "param": "messages[0]", "code": 7}})

    assert (error.code, error.type, error.param) == ("7", "t", "messages[0]")


@pytest.mark.parametrize(
    "key",
    ["sk-proj-abcdef123456", "sk-or-v1-0123456789abcdef", "gsk_0123456789", "AIzaSyA1234567890", "sk-ab**********yz", "Bearer abc.def"],
)
def test_no_piece_of_a_key_is_told(key: str) -> None:
    assert key not in read(401, oai(f"Incorrect API key provided: {key}.")).message


@pytest.mark.parametrize(
    ("headers", "message", "wait"),
    [
        ((("retry-after", "7"),), "", 7.0),
        ((("retry-after-ms", "1500"), ("retry-after", "2")), "", 1.5),
        ((("retry-after", "Sat, 21 Nov 2026 12:00:30 GMT"), DATE), "", 30.0),
        ((("retry-after", "Sat, 21 Nov 2026 12:00:30 GMT"),), "", None),
        ((), "Please try again in 6m30s.", 390.0),
        ((), "Please try again in 1.5s.", 1.5),
        ((), "Please try again in 20ms.", 0.02),
        ((), "Please try again in a while.", None),
        ((("retry-after", "soon"),), "", None),
    ],
)
def test_the_wait_that_the_provider_asks_for(headers: tuple[tuple[str, str], ...], message: str, wait: float | None) -> None:
    assert read(429, oai(message), *headers).retry_after_s == wait


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (GatewayError(Kind.MODEL_NOT_FOUND, "m"), 404, ("invalid_request_error", "model_not_found")),
        (GatewayError(Kind.AUTHENTICATION, "m"), 401, ("authentication_error", "invalid_api_key")),
        (
            GatewayError(Kind.CONTEXT_OVERFLOW, "m", source="upstream", status=413),
            413,
            ("invalid_request_error", "context_length_exceeded"),
        ),
        (GatewayError(Kind.QUOTA, "m"), 429, ("insufficient_quota", "insufficient_quota")),
        (GatewayError(Kind.INVALID_REQUEST, "m", source="upstream", status=422, type="t", code="c"), 422, ("t", "c")),
        (
            GatewayError(Kind.PROVIDER_KEY, "m", source="upstream", status=401, code="invalid_api_key"),
            502,
            ("server_error", "provider_key"),
        ),
        (GatewayError(Kind.TIMEOUT, "m"), 504, ("server_error", "timeout")),
        (GatewayError(Kind.UNSUPPORTED, "m"), 400, ("invalid_request_error", "unsupported")),
    ],
)
def test_errors_have_an_honest_status_and_the_api_form(error: GatewayError, status: int, body: tuple[str, str]) -> None:
    found, headers, written = DIALECT.write_error(error)

    assert (found, headers) == (status, (("content-type", "application/json"),))
    assert json.loads(written) == {"error": {"message": "m", "type": body[0], "param": None, "code": body[1]}}


def test_the_wait_is_told_in_whole_seconds() -> None:
    assert DIALECT.write_error(GatewayError(Kind.RATE_LIMITED, "m", retry_after_s=1.2))[1][1] == ("retry-after", "2")


def test_every_kind_can_be_written() -> None:
    for kind in Kind:
        status, _, body = DIALECT.write_error(GatewayError(kind, "m"))
        assert status == GatewayError(kind, "m").honest_status
        assert set(json.loads(body)["error"]) == {"message", "type", "param", "code"}
