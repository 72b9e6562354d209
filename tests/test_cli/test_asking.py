"""What a gateway refuses, as a command says it."""

from __future__ import annotations

import http.client
import ssl

import click
import pytest

from dragoman.cli.asking import fetch, reason, refusal
from dragoman.cli.gateway import Answer


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (503, b'{"error":{"message":"64 are listening already"}}', "64 are listening already"),
        (401, b'{"error":{"message":"no key"}}', "no key; put a client key into DRAGOMAN_KEY"),
        (404, b"<html>", "http://h/api/live answered 404, as no gateway does"),
        (200, b'["what is this"]', "http://h/api/live answered 200, as no gateway does"),
        (404, b'{"\xff":1}', "http://h/api/live answered 404, as no gateway does"),
        (404, b"[" * 100_000, "http://h/api/live answered 404, as no gateway does"),
        (500, b"", "http://h/api/live answered 500, as no gateway does"),
    ],
)
def test_a_refusal_is_told_in_the_gateways_own_sentence(status: int, body: bytes, told: str) -> None:
    assert refusal("http://h/api/live", status, body).format_message() == told


@pytest.mark.parametrize("body", [b"<html>", b'{"\xff":1}', b"[" * 100_000, b"[1]"])
def test_an_answer_that_is_no_gateways_is_told_as_such(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    monkeypatch.setattr("dragoman.cli.asking.get", lambda *given, **named: Answer(200, {}, body))

    with pytest.raises(click.ClickException) as raised:
        fetch("http://h", "/api/health")

    assert raised.value.format_message() == "http://h/api/health answered 200, as no gateway does"


def no_tls() -> ssl.SSLError:
    """What a server that speaks no TLS makes of it."""
    client = ssl.create_default_context().wrap_bio(came := ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="h")
    came.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with pytest.raises(ssl.SSLError) as raised:
        client.do_handshake()
    return raised.value


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (no_tls(), "no TLS: wrong version number"),
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (TimeoutError("timed out"), "timed out"),
        (http.client.BadStatusLine("SSH-2.0"), "SSH-2.0"),
        (ConnectionResetError(), "ConnectionResetError"),
    ],
)
def test_why_nothing_came_is_told_without_the_systems_number(error: Exception, told: str) -> None:
    assert reason(error) == told
