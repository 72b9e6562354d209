"""Faults are where the script puts them, to the byte."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from typing import Any

import pytest
from desk import PATHS, fast, payload, perform

from dragoman.simulator.app import Simulator, serve
from dragoman.simulator.script import Script, read_script

BODIES: dict[str, dict[str, Any]] = {
    "responses": {"model": "m", "input": "say hello"},
    "chat": {"model": "m", "messages": [{"role": "user", "content": "say hello"}], "stream_options": {"include_usage": True}},
}


def faulty(fault: str) -> Script:
    return read_script(f"rules: [{{fault: {fault}}}]")


def streamed(script: Script, dialect: str = "chat") -> bytes:
    return payload(perform(fast(script), dialect, {**BODIES[dialect], "stream": True}))


async def exchange(simulator: Simulator, dialect: str = "chat", *, streams: bool = True) -> tuple[bytes, bool]:
    """Every byte that comes over a real socket, and whether the connection was reset."""
    body = {**BODIES[dialect], "stream": streams}
    if not streams:
        body.pop("stream_options", None)
    raw = json.dumps(body).encode()
    async with serve(simulator=simulator) as address:
        host, port = address.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"POST {PATHS[dialect]} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(raw)}\r\nconnection: close\r\n\r\n"
        writer.write(head.encode() + raw)
        heard = bytearray()
        try:
            while chunk := await reader.read(65536):
                heard += chunk
        except ConnectionResetError:
            return bytes(heard), True
        finally:
            writer.close()
        return bytes(heard), False


def unchunked(wire: bytes) -> tuple[bytes, bool]:
    """The body of a chunked answer, and whether it ended properly."""
    rest = wire.partition(b"\r\n\r\n")[2]
    body = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        if size == b"0":
            return body, rest == b"\r\n"
        body += rest[: int(size, 16)]
        rest = rest[int(size, 16) + 2 :]
    return body, False


@pytest.mark.parametrize("dialect", ["responses", "chat"])
@pytest.mark.parametrize("how", ["fin", "reset", "end"])
@pytest.mark.parametrize("count", [0, 1, 77, 500])
def test_cut_comes_after_exactly_so_many_bytes(dialect: str, how: str, count: int) -> None:
    sound = streamed(Script(), dialect)

    wire, was_reset = asyncio.run(exchange(fast(faulty(f"{{cut: {{at: {{bytes: {count}}}, how: {how}}}}}")), dialect))

    assert unchunked(wire) == (sound[:count], how == "end")
    assert was_reset == (how == "reset")


def test_cut_can_divide_an_event() -> None:
    events = streamed(Script()).split(b"\n\n")

    cut = streamed(faulty("{cut: {at: {events: 2, into: 9}}}"))

    assert cut == b"\n\n".join(events[:2]) + b"\n\n" + events[2][:9]


@pytest.mark.parametrize("how", ["fin", "reset"])
def test_cut_can_come_instead_of_any_answer(how: str) -> None:
    assert asyncio.run(exchange(fast(faulty(f"{{cut: {{at: head, how: {how}}}}}")))) == (b"", how == "reset")


def test_whole_answer_that_is_cut_is_shorter_than_it_declares() -> None:
    wire, _ = asyncio.run(exchange(fast(faulty("{cut: {at: {bytes: 40}}}")), streams=False))

    head, _, body = wire.partition(b"\r\n\r\n")
    declared = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length"))
    assert len(body) == 40 < declared


@pytest.mark.parametrize(("dialect", "ends"), [("responses", 1), ("chat", 3)])
def test_end_can_be_missing_or_come_twice(dialect: str, ends: int) -> None:
    sound = streamed(Script(), dialect).split(b"\n\n")[:-1]

    missing = streamed(faulty("{end: missing}"), dialect).split(b"\n\n")[:-1]
    twice = streamed(faulty("{end: twice}"), dialect).split(b"\n\n")[:-1]

    assert missing == sound[:-ends]
    assert twice == sound + sound[-ends:]


def test_done_or_usage_alone_can_be_missing() -> None:
    sound = streamed(Script()).split(b"\n\n")

    assert streamed(faulty("{end: no_done}")).split(b"\n\n") == [*sound[:-2], b""]
    assert streamed(faulty("{end: no_usage}")).split(b"\n\n") == [*sound[:-3], *sound[-2:]]


def test_foreign_bytes_are_put_in_at_their_places() -> None:
    sound = streamed(Script())

    spoilt = streamed(faulty('{insert: [{at: {bytes: 10}, text: "AB"}, {at: {bytes: 3}, text: "C"}]}'))

    assert spoilt == sound[:3] + b"C" + sound[3:10] + b"AB" + sound[10:]


def test_huge_event_stands_among_the_others() -> None:
    sound = streamed(Script(), "responses")

    spoilt = streamed(faulty("{insert: [{at: {events: 1}, huge_event_bytes: 100000}]}"), "responses")

    assert 100_000 < len(spoilt) - len(sound) < 100_200
    assert spoilt.endswith(sound[-500:])


def test_noise_is_the_same_for_a_seed() -> None:
    fault = "{insert: [{noise_bytes: 64}]}"

    assert streamed(faulty(fault)) == streamed(faulty(fault)) != streamed(Script())


def test_trickle_changes_no_byte() -> None:
    wire, was_reset = asyncio.run(exchange(fast(faulty("{trickle: {bytes: 7, delay_s: 0}}"))))

    assert (unchunked(wire), was_reset) == ((streamed(Script()), True), False)


@pytest.mark.parametrize("place", ["head", "{bytes: 0}", "{events: 3, into: 5}", "{before_end: true}"])
def test_stall_lasts_until_the_client_leaves_and_that_is_noted(place: str) -> None:
    simulator = fast(faulty(f"{{stall: {{at: {place}}}}}"))
    raw = json.dumps({**BODIES["chat"], "stream": True}).encode()

    async def leave_in_the_silence() -> None:
        async with serve(simulator=simulator) as address:
            host, port = address.removeprefix("http://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(f"POST {PATHS['chat']} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(raw)}\r\n\r\n".encode() + raw)
            if place != "head":
                await reader.readuntil(b"\r\n\r\n")
            while not simulator.records.last:
                await asyncio.sleep(0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            while not simulator.records.last[0].done:
                await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(leave_in_the_silence(), 120))

    stats = simulator.records.stats()
    assert (stats["requests"], stats["aborted"], stats["open"]) == (1, 1, 0)


def test_client_that_stays_to_the_end_did_not_leave() -> None:
    simulator = fast()

    asyncio.run(exchange(simulator))

    assert simulator.records.stats()["aborted"] == 0


def test_error_comes_with_the_providers_own_body_and_headers() -> None:
    performance = perform(fast(faulty('{error: rate_limit, headers: {Retry-After: "7"}}')), "chat", {**BODIES["chat"], "stream": True})

    error = json.loads(payload(performance))["error"]
    assert (performance.status, dict(performance.headers)["retry-after"]) == (429, "7")
    assert "retry-after-ms" not in dict(performance.headers)
    assert (error["type"], error["code"]) == ("tokens", "rate_limit_exceeded")
    assert "for m in organization" in error["message"]


@pytest.mark.parametrize(
    ("status", "dialect", "code"), [(404, "chat", "model_not_found"), (500, "chat", "server_error"), (418, "chat", None)]
)
def test_status_alone_brings_the_usual_body(status: int, dialect: str, code: str | None) -> None:
    performance = perform(fast(faulty(f"{{status: {status}}}")), dialect, {**BODIES[dialect], "stream": True})

    assert (performance.status, json.loads(payload(performance))["error"]["code"]) == (status, code)


def test_html_can_come_with_status_200() -> None:
    performance = perform(fast(faulty('{status: 200, body: "<html>hi</html>"}')), "chat", {**BODIES["chat"], "stream": True})

    assert (performance.status, dict(performance.headers)["content-type"], payload(performance)) == (
        200,
        "text/html; charset=UTF-8",
        b"<html>hi</html>",
    )


def test_content_type_can_be_wrong() -> None:
    performance = perform(fast(faulty("{content_type: text/plain}")), "chat", {**BODIES["chat"], "stream": True})

    assert [value for name, value in performance.headers if name == "content-type"] == ["text/plain"]


@pytest.mark.parametrize(
    ("dialect", "last"),
    [("responses", ["response.output_text.delta", "error", "response.failed"]), ("chat", ["chat.completion.chunk", None])],
)
def test_error_inside_a_stream(dialect: str, last: list[str | None]) -> None:
    text = streamed(faulty("{in_stream: server_error}"), dialect).decode()

    events = [json.loads(line[6:]) for line in text.split("\n") if line.startswith("data: ")]
    assert [event.get("type") or event.get("object") for event in events][-len(last) :] == last
    assert "server_error" in json.dumps(events[-1])


def test_fault_hits_the_first_requests_only() -> None:
    simulator = fast(read_script("rules: [{times: 2, fault: {status: 500}}]"))

    assert [perform(simulator, "chat", {**BODIES["chat"], "stream": True}).status for _ in range(4)] == [500, 500, 200, 200]


def test_chance_is_a_share_of_the_requests() -> None:
    simulator = fast(read_script("rules: [{chance: 0.5, fault: {status: 500}}]"))

    statuses = [perform(simulator, "chat", {**BODIES["chat"], "stream": True}).status for _ in range(200)]

    assert 60 < statuses.count(500) < 140
