"""What error answers have in common: keys in their words, waits, pages of proxies."""

from __future__ import annotations

import json

import pytest

from dragoman.dialects.errors import asked_wait_s, plain_words, spoken_wait_s, until_s, without_keys
from dragoman.dialects.registry import dialect, names
from dragoman.ir.errors import Kind

KEYS = (
    "sk-proj-abcdef123456",
    "sk-ant-api03-AAAA_bbbb-cc",
    "gsk_abcdefghijk",
    "xai-abcdefghijk",
    "nvapi-abcdefghijk",
    "pplx-abcdefghijk",
    "AIzaSyD-abcdefghij",
    "AQ.Ab8RN6-abcdefgh",
    "ya29.a0Af_bc-de",
    "Bearer eyJhbGciOi",
    "abcd****wxyz",
)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("name", names())
def test_no_dialect_repeats_a_key_of_any_provider(name: str, key: str) -> None:
    body = b'{"error":{"message":"Incorrect API key provided: %b (wrong)","type":"invalid_request_error"}}' % key.encode()

    assert dialect(name).read_error(401, (), body).message == "Incorrect API key provided: [key] (wrong)"


def test_a_key_in_an_address_is_not_repeated() -> None:
    said = without_keys("GET https://example.com/v1/models?alt=sse&key=abcd&x=1 failed")

    assert said == "GET https://example.com/v1/models?alt=sse&key=[key]&x=1 failed"


@pytest.mark.parametrize("name", names())
def test_a_wait_of_nothing_is_a_wait_in_every_dialect(name: str) -> None:
    error = dialect(name).read_error(429, (("retry-after", "0"),), b"{}")

    assert (error.kind, error.retry_after_s) == (Kind.RATE_LIMITED, 0.0)


@pytest.mark.parametrize("name", names())
def test_a_date_is_read_against_the_clock_of_who_wrote_it(name: str) -> None:
    date, later = "Sat, 21 Nov 2026 12:00:00 GMT", "Sat, 21 Nov 2026 12:00:09 GMT"

    told = dialect(name).read_error(429, (("date", date), ("retry-after", later)), b"{}")
    untold = dialect(name).read_error(429, (("retry-after", later),), b"{}")

    assert (told.retry_after_s, untold.retry_after_s) == (9.0, None)


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ((), None),
        ((("retry-after", "soon"),), None),
        ((("retry-after", "7"), ("date", "no date")), 7.0),
        ((("retry-after-ms", "350"), ("retry-after", "7")), 0.35),
    ],
)
def test_what_the_headers_ask_to_wait(headers: tuple[tuple[str, str], ...], wait_s: float | None) -> None:
    assert asked_wait_s(headers) == wait_s


@pytest.mark.parametrize(
    ("message", "wait_s"),
    [
        ("Please try again in 1.5s.", 1.5),
        ("Please try again in 1m2.5s.", 62.5),
        ("Please try again in 350ms.", 0.35),
        ("Please retry after 20 seconds.", 20.0),
        ("Please retry in 1h30m.", 5400.0),
        ("Please retry in 2h0m0s.", 7200.0),
        ("Please try again in a while.", None),
        ("Please try again in 3 attempts.", None),
        ("", None),
    ],
)
def test_what_a_message_asks_to_wait_in_words(message: str, wait_s: float | None) -> None:
    assert spoken_wait_s(message) == wait_s


def test_a_time_counts_from_the_clock_of_who_told_it() -> None:
    date = (("date", "Sat, 21 Nov 2026 12:00:00 GMT"),)

    assert [until_s(1795262460.0, date), until_s(1795262340.0, date), until_s(1795262460.0, ())] == [60.0, None, None]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"  upstream connect error \n", "upstream connect error"),
        (b"<html><head><title>502\n Bad Gateway</title>", "the provider answered with a web page: 502 Bad Gateway"),
        (b"<html><body>no title", "the provider answered with a web page"),
        (b"<?xml version='1.0'?><html><title>x", "the provider answered with a web page"),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_the_words_of_a_body_that_is_no_json(body: bytes, words: str) -> None:
    assert plain_words(body) == words


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (307, Kind.SERVER_ERROR),
        (400, Kind.INVALID_REQUEST),
        (401, Kind.PROVIDER_KEY),
        (402, Kind.QUOTA),
        (403, Kind.PROVIDER_PERMISSION),
        (404, Kind.NOT_FOUND),
        (405, Kind.NOT_FOUND),
        (408, Kind.TIMEOUT),
        (409, Kind.SERVER_ERROR),
        (413, Kind.TOO_LARGE),
        (418, Kind.INVALID_REQUEST),
        (425, Kind.OVERLOADED),
        (429, Kind.RATE_LIMITED),
        (500, Kind.SERVER_ERROR),
        (502, Kind.SERVER_ERROR),
        (503, Kind.OVERLOADED),
        (504, Kind.TIMEOUT),
        (524, Kind.TIMEOUT),
        (529, Kind.OVERLOADED),
        (599, Kind.SERVER_ERROR),
    ],
)
def test_a_status_without_words_means_the_same_in_every_dialect(name: str, status: int, kind: Kind) -> None:
    assert dialect(name).read_error(status, (), b"").kind == kind


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("code", ["²", "999", "0", "-429", "4.29", ""])
def test_a_code_that_is_no_status_is_read_as_none(name: str, code: str) -> None:
    error = dialect(name).read_error(500, (), json.dumps({"error": {"code": code, "message": "x"}}).encode())

    assert (error.kind, error.message) == (Kind.SERVER_ERROR, "x")


@pytest.mark.parametrize("name", ["chat", "responses"])
@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Context size has been exceeded.", Kind.CONTEXT_OVERFLOW),
        ("image input is not supported - hint: if this is unexpected, you may need to provide the mmproj", Kind.UNSUPPORTED),
        ("tools param requires --jinja flag", Kind.UNSUPPORTED),
        ("something broke", Kind.SERVER_ERROR),
    ],
)
def test_what_is_wrong_with_the_request_is_no_fault_of_the_server_that_says_500(name: str, message: str, kind: Kind) -> None:
    body = json.dumps({"error": {"code": 500, "message": message, "type": "server_error"}}).encode()

    assert dialect(name).read_error(500, (), body).kind is kind
