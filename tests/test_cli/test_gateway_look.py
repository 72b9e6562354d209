"""What stands at an address: a gateway, another program, something that is no HTTP, nobody."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from dragoman.cli.gateway import Look, Sight, look_at

ANSWERS = [
    (b'{"status":"ok","name":"dragoman","version":"1"}', Look(Sight.GATEWAY, {"status": "ok", "name": "dragoman", "version": "1"})),
    (b"<html>hello</html>", Look(Sight.OTHER, detail="`GET /health` answered 200, as no gateway does")),
    (b'{"status":"ok","name":"another"}', Look(Sight.OTHER, detail="`GET /health` answered 200, as no gateway does")),
    (b'{"\xff":1}', Look(Sight.OTHER, detail="`GET /health` answered 200, as no gateway does")),
    (b"[" * 100_000, Look(Sight.OTHER, detail="`GET /health` answered 200, as no gateway does")),
    (b"[1]", Look(Sight.OTHER, detail="`GET /health` answered 200, as no gateway does")),
]


@contextmanager
def answering(*replies: bytes) -> Generator[str]:
    """A server that gives these bytes to one connection after the other."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            for reply in replies:
                connection, _ = server.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(reply)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join(5)


def http(status: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body


@pytest.mark.parametrize(("body", "seen"), ANSWERS)
def test_health_tells_a_gateway_from_another_program(body: bytes, seen: Look) -> None:
    with answering(http("200 OK", body)) as address:
        assert look_at(address) == seen


def test_gateway_that_knows_us_not_is_locked() -> None:
    with answering(http("200 OK", b'{"status":"ok"}'), http("401 Unauthorized", b"{}")) as address:
        assert look_at(address).sight is Sight.LOCKED


def test_what_speaks_no_http_is_told() -> None:
    with answering(b"SSH-2.0-OpenSSH_9.2\r\n") as address:
        assert look_at(address).sight is Sight.NOT_HTTP


def test_https_at_a_plain_port_is_told() -> None:
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as address:
        assert look_at(address.replace("http:", "https:")).sight is Sight.NOT_TLS


def test_closed_port_is_nobody() -> None:
    # Bound for as long as it is looked at: a port that was let go may be another's in a moment.
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))

        assert look_at(f"http://127.0.0.1:{bound.getsockname()[1]}").sight is Sight.NOBODY


@pytest.mark.parametrize("address", ["127.0.0.1:8080", "ftp://x", "http://", "http://x:port", "http://127.0.0.1:99999"])
def test_what_is_no_address_is_told(address: str) -> None:
    assert look_at(address).sight is Sight.BAD_ADDRESS
