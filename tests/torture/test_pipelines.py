"""Many requests on one connection, answers that come early, clients that close half, all across real exchanges."""

from __future__ import annotations

import threading

import pytest
from bad_provider import END, OK, STREAM, BadProvider, Peer, answer_well, event
from living import Living
from wire_client import PATIENCE_S, Caller, chunked, get, post

from conftest import PATHS, asked, is_success, question

RELAY = PATHS["relay"]


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
def test_a_pipeline_of_exchanges_is_answered_in_order(caller: Caller, path: str) -> None:
    kinds = [True, False, False, True, False, True]
    caller.send(b"".join(question(f"m{number}", path, stream=stream) for number, stream in enumerate(kinds)) + get("/v1/models"))

    answers = [caller.answer() for _ in range(7)]

    assert [told.status for told in answers] == [200] * 7
    assert [is_success(told, path) for told in answers[:6]] == kinds
    assert [told.headers.get("x-dragoman-model") for told in answers] == [*(f"up/m{number}" for number in range(6)), None]


def test_a_failure_in_a_pipeline_is_its_own(caller: Caller, provider: BadProvider) -> None:
    dies = provider.on("dies", Peer.reset)
    caller.send(question() + question(dies) + question(stream=True) + question(dies, stream=True) + question())

    assert [caller.answer().status for _ in range(5)] == [200, 502, 200, 502, 200]


def test_a_pipeline_waits_for_a_slow_answer_and_keeps_its_bounds(caller: Caller, gateway: Living, provider: BadProvider) -> None:
    started, go_on = threading.Event(), threading.Event()

    def wait(peer: Peer) -> bool:
        started.set()
        go_on.wait(PATIENCE_S)
        return answer_well(peer)

    heard = len(provider.heads)
    caller.send(question(provider.on("waits", wait)))
    sender = threading.Thread(target=lambda: [caller.send(question(filler=1000)) for _ in range(200)], daemon=True)
    sender.start()
    assert started.wait(PATIENCE_S)

    assert (gateway.running, len(provider.heads)) == (1, heard + 1)
    go_on.set()
    assert [caller.answer().status for _ in range(201)] == [200] * 201
    sender.join()


def test_a_client_that_leaves_a_pipeline_leaves_all_of_it(gateway: Living, provider: BadProvider) -> None:
    heard = len(provider.heads)
    started = threading.Event()

    def hang(peer: Peer) -> bool:
        started.set()
        peer.left()
        return False

    with Caller(gateway.host, gateway.port) as caller:
        caller.send(question(provider.on("hangs", hang)) * 5)
        assert started.wait(PATIENCE_S)

    gateway.settled(gateway.gauge())
    assert len(provider.heads) <= heard + 1


def test_expect_is_answered_across_a_real_exchange(caller: Caller) -> None:
    body = asked()
    caller.send(post(RELAY, body, "expect: 100-continue")[: -len(body)])
    assert caller.interim() == 100

    assert caller.ask(body).status == 200
    assert caller.ask(question()).status == 200


def test_an_expectation_that_is_not_waited_for_is_harmless(caller: Caller) -> None:
    body = asked()

    assert caller.ask(post(RELAY, body, "expect: 100-continue") + question()).status == 200
    assert caller.answer().status == 200


@pytest.mark.parametrize("refused", [(("content-type: text/plain",), 415), (("content-encoding: br",), 415)])
def test_an_expectation_that_is_refused_costs_no_body(caller: Caller, refused: tuple[tuple[str, ...], int]) -> None:
    headers, status = refused
    lines = "".join(f"{line}\r\n" for line in ("host: 127.0.0.1", "content-length: 1000000", "expect: 100-continue", *headers))
    kind = "" if "content-type" in lines else "content-type: application/json\r\n"

    told = caller.ask(f"POST {RELAY} HTTP/1.1\r\n{lines}{kind}\r\n".encode())

    assert (told.status, told.headers["connection"]) == (status, "close")
    assert caller.rest() == b""


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
def test_a_client_that_closes_its_side_counts_as_gone(gateway: Living, provider: BadProvider, path: str, stream: bool) -> None:
    started, left = threading.Event(), threading.Event()

    def hang(peer: Peer) -> bool:
        if stream:
            peer.send(STREAM + event("fi"))
        started.set()
        peer.left()
        left.set()
        return False

    with Caller(gateway.host, gateway.port) as caller:
        caller.send(question(provider.on("half", hang), path, stream=stream))
        assert started.wait(PATIENCE_S)
        caller.end_sending()

        assert left.wait(PATIENCE_S)


def test_a_request_cut_in_the_middle_asks_nobody(gateway: Living, provider: BadProvider) -> None:
    heard = len(provider.heads)
    whole = question()

    for end in range(0, len(whole), 7):
        with Caller(gateway.host, gateway.port) as caller:
            caller.send(whole[:end])

    assert len(provider.heads) == heard


def test_a_request_byte_by_byte_is_a_request(caller: Caller) -> None:
    for byte in question():
        caller.send(bytes([byte]))

    assert caller.answer().status == 200


def test_an_offer_of_another_protocol_is_not_taken(caller: Caller) -> None:
    told = caller.ask(question("any", RELAY, "connection: upgrade, http2-settings", "upgrade: h2c", "http2-settings: AAMAAABk"))

    assert told.status == 200
    assert caller.rest() == b""


@pytest.mark.parametrize("answer", [OK + OK, OK + b"rubbish", STREAM + event("fine") + END + OK], ids=["whole", "rubbish", "stream"])
def test_bytes_behind_an_answer_never_answer_the_next_request(gateway: Living, provider: BadProvider, answer: bytes) -> None:
    def twice(peer: Peer) -> bool:
        peer.send(answer)
        return True

    name = provider.on("twice", twice)
    connections = provider.connections
    for _ in range(3):
        with Caller(gateway.host, gateway.port) as caller:
            assert caller.ask(question(name, stream=b"[DONE]" in answer)).status == 200

    assert provider.connections == connections + 3


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_connection_that_goes_stale_is_replaced_unseen(gateway: Living, provider: BadProvider, how: str, stream: bool) -> None:
    taken: list[Peer] = []

    def once(peer: Peer) -> bool:
        if peer in taken:
            if how == "reset":
                peer.reset()
            return False
        taken.append(peer)
        return answer_well(peer)

    name = provider.on("stale", once)
    with Caller(gateway.host, gateway.port) as caller:
        for _ in range(4):
            assert caller.ask(question(name, stream=stream)).status == 200
    assert len(taken) == 4


def test_chunks_of_a_request_reach_the_provider_as_one_body(caller: Caller, provider: BadProvider) -> None:
    bodies: list[bytes] = []

    def keep(peer: Peer) -> bool:
        bodies.append(peer.body)
        return answer_well(peer)

    body = asked(provider.on("keeps", keep), filler=300_000)
    pieces = b"".join(b"%x\r\n%b\r\n" % (len(body[at : at + 777]), body[at : at + 777]) for at in range(0, len(body), 777))

    assert caller.ask(chunked(RELAY) + pieces + b"0\r\n\r\n").status == 200
    assert bodies == [body.replace(b"up/keeps", b"keeps")]
