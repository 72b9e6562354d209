"""A provider that dies, stalls, floods or trickles at each stage of an answer: an honest error, and nothing left behind."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from bad_provider import END, OK, STREAM, BadProvider, Peer, Script, chunk, event
from living import Living
from wire_client import Caller

from conftest import HURRIED, PATHS, is_success, question

STAGES = {
    "before a word": b"",
    "in the status line": STREAM[:12],
    "in the headers": STREAM[:40],
    "after the head": STREAM,
    "in a chunk size": STREAM + event("fi")[:1],
    "in a chunk": STREAM + event("fi")[:40],
    "after a chunk": STREAM + event("fi"),
    "in the second chunk": STREAM + event("fi") + event("ne")[:50],
    "before the end": STREAM + event("fi") + event("ne"),
}
ENDS: dict[str, Script] = {"closes": lambda peer: False, "resets": Peer.reset, "stalls": Peer.left}


@pytest.fixture(scope="module")
def server() -> dict[str, Any]:
    """Times that are soon over: tests here wait for that."""
    return HURRIED


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
@pytest.mark.parametrize("sent", STAGES.values(), ids=STAGES.keys())
def test_a_stream_that_dies_is_no_success(caller: Caller, provider: BadProvider, sent: bytes, end: Script, path: str) -> None:
    def die(peer: Peer) -> bool:
        peer.send(sent)
        end(peer)
        return False

    told = caller.ask(question(provider.on("dies", die), path, stream=True))

    assert told.whole and not is_success(told, path)
    assert told.status in (502, 504) or (told.status == 200 and b'"error"' in told.body)


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
@pytest.mark.parametrize("size", [0, 10, 60, len(OK) - 40, len(OK) - 1])
def test_a_whole_answer_that_dies_keeps_its_honest_status(caller: Caller, provider: BadProvider, size: int, end: Script, path: str) -> None:
    def die(peer: Peer) -> bool:
        peer.send(OK[:size])
        end(peer)
        return False

    told = caller.ask(question(provider.on("dies", die), path))

    assert told.status == (504 if end is ENDS["stalls"] else 502)
    assert told.message


GARBAGE = {
    "no HTTP": b"\x00\xff\x16\x03rubbish\r\n\r\n",
    "a page": b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>",
    "no JSON": b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 3\r\n\r\nnul",
    "an empty body": b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 0\r\n\r\n",
    "an empty stream": STREAM + b"0\r\n\r\n",
    "noise for a stream": STREAM + chunk(bytes(range(256)) * 20) + b"0\r\n\r\n",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "an interim answer for ever": b"HTTP/1.1 102 Processing\r\n\r\n" * 20_000,
    "a redirect": b"HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/x\r\ncontent-length: 0\r\n\r\n",
    "a redirect to here": b"HTTP/1.1 302 Found\r\nlocation: /v1/chat/completions\r\ncontent-length: 0\r\n\r\n",
    "not modified": b"HTTP/1.1 304 Not Modified\r\n\r\n",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n",
    "a length and chunks": STREAM.replace(b"\r\n\r\n", b"\r\ncontent-length: 3\r\n\r\n") + event("fine") + END,
    "packed though not asked": b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1f\x8b\x08\x00",
    "a huge head": b"HTTP/1.1 200 OK\r\nx: " + b"x" * 200_000 + b"\r\n\r\n",
    "thousands of headers": b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 9000 + b"\r\n",
    "a huge status": b"HTTP/1.1 99999 OK\r\n\r\n",
    "a status below all": b"HTTP/1.1 000 OK\r\ncontent-length: 0\r\n\r\n",
    "a status above all": b"HTTP/1.1 799 Huh\r\ncontent-type: application/json\r\ncontent-length: 27\r\n\r\n"
    + b'{"error":{"message":"huh"}}',
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
@pytest.mark.parametrize("sent", GARBAGE.values(), ids=GARBAGE.keys())
def test_rubbish_is_told_as_the_providers_fault(caller: Caller, provider: BadProvider, sent: bytes, path: str, stream: bool) -> None:
    def babble(peer: Peer) -> bool:
        peer.send(sent)
        return False

    heard = len(provider.heads)
    told = caller.ask(question(provider.on("babbles", babble), path, stream=stream))

    assert told.whole and 500 <= told.status < 600 and told.message
    assert len(provider.heads) == heard + 1


def test_a_flood_is_not_kept_in_memory_for_a_client_that_does_not_read(gateway: Living, provider: BadProvider) -> None:
    sent = 0

    def flood(peer: Peer) -> bool:
        nonlocal sent
        peer.sock.settimeout(1.0)
        peer.send(STREAM)
        piece = event("x" * 60_000)
        try:
            while sent < 200_000_000:
                peer.sock.sendall(piece)
                sent += len(piece)
        except OSError:
            pass
        return False

    rss_mb = gateway.rss_mb
    with Caller(gateway.host, gateway.port) as caller:
        caller.send(question(provider.on("floods", flood), stream=True))
        before = -1
        while sent != before or not sent:
            before = sent
            time.sleep(0.3)

        assert sent < 60_000_000
        assert gateway.rss_mb < rss_mb + 20


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
def test_one_event_without_end_is_refused_within_bounds(gateway: Living, provider: BadProvider, path: str) -> None:
    def pour(peer: Peer) -> bool:
        peer.send(STREAM + event("fi"))
        for _ in range(700):
            peer.send(chunk(b"data: " + b"x" * 100_000))
        return False

    rss_mb = gateway.rss_mb
    with Caller(gateway.host, gateway.port) as caller:
        told = caller.ask(question(provider.on("pours", pour), path, stream=True))

    assert not is_success(told, path)
    assert gateway.rss_mb < rss_mb + 150


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
def test_a_whole_answer_without_end_is_refused_within_bounds(gateway: Living, provider: BadProvider, path: str) -> None:
    def pour(peer: Peer) -> bool:
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{")
        for _ in range(1500):
            peer.send(b" " * 100_000)
        return False

    with Caller(gateway.host, gateway.port) as caller:
        told = caller.ask(question(provider.on("pours", pour), path))

    assert told.status == 502


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
def test_an_error_answer_without_end_is_told_by_its_status(caller: Caller, provider: BadProvider, path: str) -> None:
    def pour(peer: Peer) -> bool:
        peer.send(b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n\r\n{")
        for _ in range(100):
            peer.send(b" " * 100_000)
        return False

    assert caller.ask(question(provider.on("pours", pour), path)).status == 400


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
def test_a_trickle_within_the_deadlines_arrives_whole(caller: Caller, provider: BadProvider, path: str) -> None:
    def drip(peer: Peer) -> bool:
        for byte in STREAM + event("fi") + event("ne") + END:
            peer.send(bytes([byte]))
        return True

    told = caller.ask(question(provider.on("drips", drip), path, stream=True))

    assert is_success(told, path)


def test_a_trickle_without_end_meets_the_total_deadline(caller: Caller, provider: BadProvider) -> None:
    stop = threading.Event()

    def drip(peer: Peer) -> bool:
        peer.send(STREAM)
        while not stop.wait(0.3):
            peer.send(event("x"))
        return False

    began = time.monotonic()
    told = caller.ask(question(provider.on("drips", drip), stream=True))
    took_s = time.monotonic() - began
    stop.set()

    assert not is_success(told, PATHS["relay"]) and b'"error"' in told.body
    assert 5.5 < took_s < 12


def test_a_silent_provider_costs_the_client_signs_of_life_and_an_error(caller: Caller, provider: BadProvider) -> None:
    told = caller.ask(question(provider.on("silent", Peer.left), PATHS["translate"], stream=True))

    assert told.status == 200 and b"response.failed" in told.body and not is_success(told, PATHS["translate"])
