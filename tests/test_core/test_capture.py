"""What the record of an exchange holds of its bodies, times and people."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import weakref
from collections.abc import Coroutine
from typing import Any

import msgspec
import pytest
from stand import CHAT_STREAM, CODEX, PLAIN, SSE, Stand, Told, answers, chat_chunk, provider, says, stand

from dragoman.core.capture import Captured
from dragoman.core.exchange import Inbound
from dragoman.core.runtime import Capture
from dragoman.ir.record import Attempt, Bodies, Cut, Record, sum_up
from dragoman.wire.splice import Outline, spliced

ASKED: dict[str, Any] = {"model": "up/gpt-5.5", "messages": [{"role": "user", "content": "hi"}]}
STREAMED = {**ASKED, "stream": True, "stream_options": {"include_usage": True}}
SAID = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m-1", "choices": [
    {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
], "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}}  # fmt: skip


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(main, 120))


def capturing(gateway: Stand, **settings: Any) -> Stand:
    gateway.runtime = msgspec.structs.replace(gateway.runtime, capture=Capture(**settings))
    return gateway


def bodies(gateway: Stand) -> Bodies:
    found = gateway.record.bodies
    assert found is not None
    return found


def joined(pieces: list[bytes] | None) -> bytes | None:
    return None if pieces is None else b"".join(pieces)


def test_without_a_journal_no_body_is_held() -> None:
    async def main() -> None:
        async with provider(answers(200, json.dumps(SAID).encode())) as up, stand(up.url) as gateway:
            await gateway.ask("chat", ASKED)

            assert gateway.record.bodies is None

    run(main())


def test_a_relayed_answer_is_held_once() -> None:
    async def main() -> None:
        async with provider(answers(200, json.dumps(SAID).encode())) as up, stand(up.url, settings=", dialect: chat") as gateway:
            told = await capturing(gateway).ask("chat", ASKED)

            held = bodies(gateway)
            assert (held.client_request, joined(held.client_response)) == (json.dumps(ASKED).encode(), told.body)
            assert (held.provider_request, held.provider_response) == (up.heard[0].body, None)
            assert dict(held.client_response_headers)["x-dragoman-exchange"] == "ex_1"
            assert (gateway.record.lane, gateway.record.stop_reason) == ("relay", "stop")

    run(main())


def test_what_the_provider_was_sent_is_held_with_the_name_that_was_put_into_it() -> None:
    async def main() -> None:
        async with provider(answers(200, json.dumps(SAID).encode())) as up, stand(up.url, settings=", dialect: chat") as gateway:
            asked = b'{"model":"up/gpt-5.5","messages":[]}'
            await capturing(gateway).ask("chat", asked)

            held = bodies(gateway)
            assert (held.client_request, held.provider_request, held.splice) == (asked, None, (9, 21, b'"gpt-5.5"'))
            assert spliced(asked, (9, 21, b'"gpt-5.5"')) == up.heard[0].body == b'{"model":"gpt-5.5","messages":[]}'
            assert held.outline == Outline(asked)

    run(main())


def test_what_another_provider_was_sent_takes_the_place_of_what_the_first_was() -> None:
    captured = Captured(Capture(), None, Inbound("chat", "/v1", "/chat/completions", "", {}, b"{}", "127.0.0.1", 0.0), Told())

    captured.asked((), b"{}", (1, 1, b'"a":1'))
    first = captured.bodies.provider_request, captured.bodies.splice
    captured.asked((), b'{"b":2}')

    assert (first, captured.bodies.provider_request, captured.bodies.splice) == ((None, (1, 1, b'"a":1')), b'{"b":2}', None)


def test_a_relayed_stream_is_held_once() -> None:
    async def main() -> None:
        async with provider(says(SSE, *CHAT_STREAM)) as up, stand(up.url, settings=", dialect: chat") as gateway:
            told = await capturing(gateway).ask("chat", STREAMED)

            held = bodies(gateway)
            assert (joined(held.client_response), held.provider_response) == (told.body, None)
            assert told.body == b"".join(CHAT_STREAM)
            assert gateway.record.bytes_out == len(told.body)

    run(main())


def test_of_a_translated_stream_both_sides_are_held() -> None:
    async def main() -> None:
        async with provider(says(SSE, *CHAT_STREAM)) as up, stand(up.url, settings=", dialect: chat") as gateway:
            told = await capturing(gateway).ask("responses", {"model": "up/gpt-5.5", "input": "hi", "stream": True})

            held = bodies(gateway)
            assert joined(held.client_response) == told.body
            assert joined(held.provider_response) == b"".join(CHAT_STREAM)
            assert held.provider_request == up.heard[0].body
            assert (gateway.record.lane, gateway.record.stop_reason) == ("translate", "stop")

    run(main())


def test_of_a_translated_answer_both_sides_are_held() -> None:
    async def main() -> None:
        said = json.dumps(SAID).encode()
        async with provider(answers(200, said)) as up, stand(up.url, settings=", dialect: chat") as gateway:
            told = await capturing(gateway).ask("responses", {"model": "up/gpt-5.5", "input": "hi"})

            held = bodies(gateway)
            assert (joined(held.client_response), joined(held.provider_response)) == (told.body, said)

    run(main())


def test_a_stream_that_was_cut_keeps_what_was_delivered() -> None:
    async def main() -> None:
        pieces = (chat_chunk({"role": "assistant", "content": ""}), chat_chunk({"content": "Hel"}))
        async with provider(says(SSE, *pieces, close=True)) as up, stand(up.url, settings=", dialect: chat") as gateway:
            told = await capturing(gateway).ask("chat", STREAMED)

            held = bodies(gateway)
            assert joined(held.provider_response) == b"".join(pieces)
            assert joined(held.client_response) == told.body
            assert told.body.startswith(b"".join(pieces))
            assert len(told.body) > len(b"".join(pieces))
            assert gateway.record.error == "cut"

    run(main())


def test_a_refusal_is_held_as_the_provider_worded_it() -> None:
    async def main() -> None:
        said = b'{"error":{"message":"no such thing","type":"invalid_request_error"}}'
        async with provider(answers(400, said)) as up, stand(up.url) as gateway:
            told = await capturing(gateway).ask("responses", {"model": "up/gpt-5.5", "input": "hi"})

            held = bodies(gateway)
            assert (joined(held.provider_response), joined(held.client_response)) == (said, told.body)

    run(main())


def test_a_client_that_left_leaves_what_it_had_been_told() -> None:
    async def main() -> None:
        async with provider(says(SSE, *CHAT_STREAM[:3], close=False)) as up, stand(up.url, settings=", dialect: chat") as gateway:
            told = _Leaving()
            with pytest.raises(asyncio.CancelledError):
                await capturing(gateway).into(told, "chat", STREAMED)

            assert joined(bodies(gateway).client_response) == told.body
            assert gateway.record.status == 499

    run(main())


class _Leaving(Told):
    """A client that is gone at its second piece."""

    def push(self, chunk: bytes) -> bool:
        super().push(chunk)
        raise asyncio.CancelledError


@pytest.mark.parametrize("dialect", ["chat", "responses"])
@pytest.mark.parametrize(("body_bytes", "whole"), [(10**9, True), (20_000, False)])
def test_of_an_answer_in_many_pieces_all_is_held_that_there_is_room_for(dialect: str, body_bytes: int, whole: bool) -> None:
    pieces = [chat_chunk({"content": f"{number} {'x' * 1000}"}) for number in range(40)]
    said = (*CHAT_STREAM[:2], *pieces, *CHAT_STREAM[3:])
    asked = STREAMED if dialect == "chat" else {"model": "up/gpt-5.5", "stream": True, "input": "hi"}

    async def main() -> None:
        async with provider(says(SSE, *said)) as up, stand(up.url, settings=", dialect: chat") as gateway:
            told = await capturing(gateway, body_bytes=body_bytes).ask(dialect, asked)

            held = joined(bodies(gateway).client_response) or b""
            assert held == (told.body if whole else told.body[:body_bytes])
            assert len(bodies(gateway).cut) == (0 if whole else 1 if dialect == "chat" else 2)

    run(main())


def test_of_a_long_answer_the_beginning_is_held() -> None:
    async def main() -> None:
        async with provider(says(SSE, *CHAT_STREAM)) as up, stand(up.url, settings=", dialect: chat") as gateway:
            told = await capturing(gateway, body_bytes=len(CHAT_STREAM[0]) + 1).ask("chat", STREAMED)

            held = joined(bodies(gateway).client_response) or b""
            assert told.body.startswith(held)
            assert 0 < len(held) < len(told.body)

    run(main())


@pytest.mark.parametrize("dialect", ["chat", "responses"])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("fault", ["none", "refused", "cut", "gone", "away"])
def test_however_an_exchange_ends_nothing_of_it_counts_as_running(fault: str, stream: bool, dialect: str) -> None:
    script = {
        "none": says(SSE, *CHAT_STREAM) if stream else answers(200, json.dumps(SAID).encode()),
        "refused": answers(400, b'{"error":{"message":"no","type":"invalid_request_error"}}'),
        "cut": says(SSE, *CHAT_STREAM[:2], close=True),
        "gone": says(SSE, *CHAT_STREAM[:3], close=False),
        "away": says(SSE, close=True),
    }[fault]
    asked = {"model": "up/gpt-5.5", "stream": stream, **({"messages": ASKED["messages"]} if dialect == "chat" else {"input": "hi"})}

    async def main() -> None:
        async with provider(script) as up, stand(up.url, settings=", dialect: chat", retry="{attempts: 2}") as gateway:
            told = _Leaving() if fault == "gone" else Told()
            with contextlib.suppress(asyncio.CancelledError):
                await capturing(gateway).into(told, dialect, asked)

            assert gateway.runtime.capture is not None
            assert gateway.runtime.capture.room.taken_bytes == 0
            assert bodies(gateway).cut == ()
            assert len(gateway.records.all) == 1

    run(main())


def test_what_there_is_no_room_for_is_left_out_of_the_record_alone() -> None:
    async def main() -> None:
        async with provider(says(SSE, *CHAT_STREAM)) as up, stand(up.url, settings=", dialect: chat") as gateway:
            told = await capturing(gateway, running_bytes=100).ask("chat", STREAMED)

            held, size = bodies(gateway), sum(map(len, CHAT_STREAM))
            why = f"only the first 0 of {size} bytes were held, since all answers under way held `journal.queue_bytes`"
            assert (told.body, gateway.record.bytes_out) == (b"".join(CHAT_STREAM), size)
            assert (joined(held.client_response), held.cut) == (b"", (Cut("client_response", size, why),))

    run(main())


def test_what_an_exchange_held_is_gone_with_it_though_its_provider_said_nothing() -> None:
    outbound = Told()
    captured = Captured(Capture(), None, Inbound("chat", "/v1", "/chat/completions", "", {}, b"{}", "127.0.0.1", 0.0), outbound)
    held = weakref.ref(outbound)
    captured.asked((), b"{}")

    captured.over()
    gc.disable()
    try:
        del captured, outbound
        assert held() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("allowed", "wanted", "mode"),
    [
        (None, None, "redacted"),
        ("full", None, "full"),
        ("full", "redacted", "redacted"),
        ("full", "NONE ", "none"),
        ("none", "full", "none"),
        ("redacted", "full", "redacted"),
        ("full", "off", "none"),
    ],
)
def test_a_request_can_only_ask_for_less_to_be_kept(allowed: str | None, wanted: str | None, mode: str) -> None:
    headers = {} if wanted is None else {"x-dragoman-log": wanted}
    inbound = Inbound("chat", "/v1", "/chat/completions", "", headers, b"{}", "127.0.0.1", 0.0)

    assert Captured(Capture(), allowed, inbound, Told()).bodies.mode == mode


KEYS = "access: {keys: [{name: ada, key: dgm-of-ada-0123456789, team: red, user: ada@example.com}]}"


def test_whose_key_it_was_is_recorded() -> None:
    async def main() -> None:
        async with provider(answers(200, json.dumps(SAID).encode())) as up, stand(up.url, KEYS) as gateway:
            await gateway.ask("chat", ASKED, {**PLAIN, "authorization": "Bearer dgm-of-ada-0123456789"})

            record = gateway.record
            assert (record.client, record.team, record.user, record.key_prefix) == ("ada", "red", "ada@example.com", None)

    run(main())


@pytest.mark.parametrize(("key", "told"), [("sk-proj-somebody-elses-key", "sk-pro"), ("hunter2", "h"), ("abc", "")])
def test_of_a_refused_key_no_more_than_its_beginning_is_recorded(key: str, told: str) -> None:
    async def main() -> None:
        async with stand("http://127.0.0.1:1/v1", KEYS) as gateway:
            await capturing(gateway).ask("chat", ASKED, {**PLAIN, "x-api-key": key})

            record = gateway.record
            assert (record.error, record.key_prefix, record.address, record.bodies) == ("authentication", told, "127.0.0.1", None)

    run(main())


def test_a_sub_agent_has_a_session_of_its_own() -> None:
    async def main() -> None:
        headers = {**CODEX, "x-openai-subagent": "review", "thread-id": "0197-own", "x-codex-parent-thread-id": "0197-session"}
        async with provider(answers(200, json.dumps(SAID).encode())) as up, stand(up.url) as gateway:
            await gateway.ask("chat", ASKED, headers)

            record = gateway.record
            assert (record.session, record.parent_session, record.kind) == ("0197-own", "0197-session", "review")

    run(main())


def test_the_parts_of_the_time_are_all_of_it() -> None:
    tries = [Attempt("a", "m", 0.25, ended_s=1.0), Attempt("b", "m", 2.0, ended_s=4.0)]
    record = Record("x", 0.0, stream=True, attempts=tries, total_s=4.5, waited_s=0.75, queue_s=0.125, first_token_s=3.0)

    sum_up(record)

    assert (record.own_s, record.generation_s) == (4.5 - 0.75 - 2.0 - 0.75 - 0.125, 1.0)
