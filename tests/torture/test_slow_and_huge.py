"""Clients that take their time, clients that never stop, and clients in crowds; while they try, others are served."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from typing import Any

import pytest
from bad_provider import END, STREAM, BadProvider, Peer, event
from living import Living
from wire_client import Caller, chunked, get, post

from conftest import HURRIED, asked, question

PATH = "/v1/chat/completions"
BODY = asked()


@pytest.fixture(scope="module")
def server() -> dict[str, Any]:
    """Times that are soon over: tests here wait for that."""
    return HURRIED


def drip(caller: Caller, piece: bytes, each_s: float = 0.1) -> threading.Thread:
    """Send this again and again until the gateway hangs up."""

    def run() -> None:
        try:
            while True:
                caller.sock.sendall(piece)
                time.sleep(each_s)
        except OSError:
            pass

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


SLOW: dict[str, tuple[bytes, bytes]] = {
    "headers": (b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\n", b"x: y\r\n"),
    "a header": (b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\nx: ", b"y"),
    "a target": (b"GET /", b"y"),
    "a body": (post(PATH, b"x" * 100_000)[:-100_000], b" "),
    "chunks": (chunked(PATH), b"1\r\n \r\n"),
    "a chunk": (chunked(PATH) + b"fffff\r\n", b" "),
    "a chunk extension": (chunked(PATH) + b"1;", b"x"),
    "trailers": (chunked(PATH) + b"%x\r\n%b\r\n0\r\n" % (len(BODY), BODY), b"x: y\r\n"),
}


@pytest.mark.parametrize(("start", "piece"), SLOW.values(), ids=SLOW.keys())
def test_slowness_ends_with_a_408_and_costs_nobody_else_anything(
    gateway: Living, provider: BadProvider, start: bytes, piece: bytes
) -> None:
    heard = len(provider.heads)
    began = time.monotonic()

    with Caller(gateway.host, gateway.port) as caller:
        caller.send(start)
        dripping = drip(caller, piece)
        with Caller(gateway.host, gateway.port) as other:
            assert other.ask(question("other")).status == 200
        told = caller.answer()
        assert (told.status, told.headers["connection"]) == (408, "close")
        caller.rest()
    dripping.join(10)

    assert time.monotonic() - began < 8
    assert len(provider.heads) == heard + 1


def test_a_crowd_of_slow_heads_leaves_room_for_the_quick(gateway: Living) -> None:
    crowd = [Caller(gateway.host, gateway.port) for _ in range(150)]
    for caller in crowd:
        caller.send(b"POST /v1/chat/completions HTTP/1.1\r\nhost:")

    with Caller(gateway.host, gateway.port) as quick:
        assert quick.ask(question()).status == 200
    assert {caller.answer().status for caller in crowd} == {408}
    for caller in crowd:
        caller.close()


def test_connections_past_the_bound_are_told_so_and_those_within_go_on(gateway: Living) -> None:
    crowd = [Caller(gateway.host, gateway.port) for _ in range(200)]
    assert crowd[0].ask(get()).status == 200

    with Caller(gateway.host, gateway.port) as late:
        told = late.ask(get())

    assert (told.status, told.headers["retry-after"]) == (503, "1")
    assert crowd[199].ask(question()).status == 200
    for caller in crowd:
        caller.close()


def test_a_client_that_reads_slowly_gets_all_of_it(gateway: Living, provider: BadProvider) -> None:
    size = 3_000_000

    def plenty(peer: Peer) -> bool:
        peer.send(STREAM, *[event("x" * 30_000)] * (size // 30_000), END)
        return True

    with Caller(gateway.host, gateway.port) as caller:
        caller.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        caller.send(question(provider.on("plenty", plenty), stream=True))
        time.sleep(0.5)
        told = caller.answer()

    assert told.whole and told.body.count(b"x") >= size and b"[DONE]" in told.body


HUGE: dict[str, tuple[bytes, int]] = {
    "a header": (get("/health", "x: " + "x" * 20_000), 431),
    "headers": (get("/health", *["x: y"] * 60), 431),
    "a name": (get("/health", "x" * 20_000 + ": y"), 431),
    "a target": (get("/health?" + "x" * 20_000), 414),
    "a method": (b"G" * 100_000 + b" /health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n", 400),
    "a declared body": (post(PATH, b"")[: -len("content-length: 0\r\n\r\n")] + b"content-length: 99999999999\r\n\r\n", 413),
    "a model's name": (question("m" * 100_000), 404),
    "nested JSON": (post(PATH, b'{"model":"up/any","messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), 400),
    "a number": (post(PATH, BODY[:-1] + b',"temperature":' + b"9" * 100_000 + b"}"), 200),
}


@pytest.mark.parametrize(("sent", "status"), HUGE.values(), ids=HUGE.keys())
def test_what_is_too_large_is_told_so(caller: Caller, sent: bytes, status: int) -> None:
    assert caller.ask(sent).status == status


@pytest.mark.parametrize("start", [chunked(PATH), b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\nx: "], ids=["a body", "a header"])
def test_a_flood_from_a_client_stays_within_bounds(gateway: Living, start: bytes) -> None:
    rss_mb = gateway.rss_mb
    with Caller(gateway.host, gateway.port) as caller:
        caller.send(start)
        piece = b"10000\r\n" + b"x" * 65_536 + b"\r\n" if b"chunked" in start else b"x" * 65_536
        for _ in range(300):
            caller.send(piece)
        told = caller.answer()

    assert told.status in (413, 431)
    assert gateway.rss_mb < rss_mb + 30


def test_the_largest_body_that_is_allowed_passes(caller: Caller) -> None:
    assert caller.ask(question(filler=1_990_000)).status == 200


def test_a_bomb_is_refused_without_being_unpacked(gateway: Living) -> None:
    rss_mb = gateway.rss_mb
    bomb = gzip.compress(b" " * 500_000_000)
    with Caller(gateway.host, gateway.port) as caller:
        told = caller.ask(post(PATH, bomb, "content-encoding: gzip"))

    assert told.status == 413
    assert gateway.rss_mb < rss_mb + 30


def test_idle_connections_are_many_and_cheap(gateway: Living) -> None:
    crowd = [Caller(gateway.host, gateway.port) for _ in range(190)]
    for caller in crowd:
        assert caller.ask(get()).status == 200

    with Caller(gateway.host, gateway.port) as one_more:
        assert one_more.ask(question(stream=True)).status == 200
    for caller in crowd:
        caller.close()
