"""One exchange from the client's bytes to the last byte of the answer, against a provider that says what it is told."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Coroutine
from typing import Any

import msgspec
import pytest
from stand import CHAT_STREAM, CODEX, SSE, Heard, Told, answers, chat_chunk, provider, says, stand

from dragoman.core.exchange import Inbound
from dragoman.core.runtime import Capture, Pace

CHAT = {"model": "up/gpt-4", "messages": [{"role": "user", "content": "hi"}]}
STREAMED = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}
RESPONSES = {"model": "up/gpt-4", "input": "hi", "stream": True}
WHOLE = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m-1","choices":[{"index":0,"message":{"role":"assistant",'
    b'"content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7},"odd":{"b":1.0,"a":2}}'
)


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(main, 120))


# ---- the relay lane ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b'{ "unknown_field" : [1.0, 1e2],"model":"up/gpt-4" , "messages":[] }',
        b'{"unknown_field":[1.0, 1e2],"model":"up/gpt-4","messages":[]}',
        b'{"model":"up/gpt-4","messages":[],"metadata":{"long":"%b"}}' % (b"x" * 100_000),
    ],
    ids=["with blanks", "without", "long"],
)
def test_a_relayed_body_reaches_the_provider_byte_for_byte_but_for_the_model(body: bytes) -> None:
    async def main() -> None:
        async with provider(answers(200, WHOLE)) as up, stand(up.url) as gateway:
            await gateway.ask("chat", body)

            assert up.heard[0].body == body.replace(b"up/gpt-4", b"gpt-4")
            assert gateway.record.lane == "relay"

    run(main())


def test_a_relayed_answer_reaches_the_client_byte_for_byte() -> None:
    async def main() -> None:
        async with provider(answers(200, WHOLE)) as up, stand(up.url) as gateway:
            told = await gateway.ask("chat", CHAT)

            assert (told.status, told.body) == (200, WHOLE)
            assert told.headers["content-length"] == str(len(WHOLE))
            assert gateway.record.usage is not None
            assert (gateway.record.usage.input_tokens, gateway.record.usage.output_tokens) == (5, 2)

    run(main())


def test_a_relayed_stream_reaches_the_client_byte_for_byte() -> None:
    async def main() -> None:
        async with provider(says(SSE, *CHAT_STREAM)) as up, stand(up.url) as gateway:
            told = await gateway.ask("chat", STREAMED)

            assert told.body == b"".join(CHAT_STREAM)
            assert told.finished
            assert gateway.record.usage is not None
            assert gateway.record.error is None

    run(main())


def test_the_providers_connection_is_used_again_after_a_stream() -> None:
    async def main() -> None:
        async with provider(says(SSE, *CHAT_STREAM)) as up, stand(up.url) as gateway:
            for _ in range(3):
                await gateway.ask("chat", STREAMED)

            assert gateway.pool.stats().open == 1

    run(main())


def test_a_provider_that_goes_on_after_its_end_is_left() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Heard) -> None:
        writer.write(f"HTTP/1.1 {SSE}\r\ntransfer-encoding: chunked\r\n\r\n".encode())
        writer.writelines([b"%x\r\n%b\r\n" % (len(piece), piece) for piece in CHAT_STREAM])
        while not reader.at_eof():
            writer.write(b"4\r\n: \n\n\r\n")
            await writer.drain()
            await asyncio.sleep(0)

    async def main() -> None:
        async with provider(endless) as up, stand(up.url, pace=Pace(tail_s=0.05)) as gateway:
            told = await gateway.ask("chat", STREAMED)

            assert told.body.startswith(b"".join(CHAT_STREAM))
            assert (told.finished, gateway.record.error) == (True, None)

    run(main())


def test_neither_key_crosses_the_gateway() -> None:
    async def main() -> None:
        access = "access: {keys: [{name: ada, key: client-secret}]}"
        async with provider(answers(200, WHOLE)) as up, stand(up.url, access) as gateway:
            told = await gateway.ask("chat", CHAT, {"authorization": "Bearer client-secret", "cookie": "session=client-secret"})

            assert "client-secret" not in up.heard[0].head
            assert "authorization: bearer sk-provider-secret" in up.heard[0].head
            assert "sk-provider-secret" not in str(told.headers)
            assert gateway.record.client == "ada"

    run(main())


def test_no_repr_shows_a_key() -> None:
    async def main() -> None:
        access = "access: {keys: [{name: ada, key: client-secret}]}"
        async with provider(answers(200, WHOLE)) as up, stand(up.url, access) as gateway:
            gateway.runtime = msgspec.structs.replace(gateway.runtime, capture=Capture())
            headers = {"authorization": "Bearer client-secret"}
            await gateway.ask("chat", CHAT, headers)

            bodies = gateway.record.bodies
            assert bodies is not None
            assert "client-secret" in str(bodies.client_request_headers)
            assert "sk-provider-secret" in str(bodies.provider_request_headers)
            inbound = Inbound("chat", "/v1", "/chat/completions", "", headers, b"{}", "", 0.0)
            shown = f"{gateway.record!r} {gateway.runtime!r} {inbound!r}"
            assert "client-secret" not in shown
            assert "sk-provider-secret" not in shown

    run(main())


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}])
def test_without_a_known_key_nothing_goes_upstream(headers: dict[str, str]) -> None:
    async def main() -> None:
        access = "access: {keys: [{name: ada, key: client-secret}]}"
        async with provider(answers(200, WHOLE)) as up, stand(up.url, access) as gateway:
            told = await gateway.ask("chat", CHAT, headers)

            assert told.status == 401
            assert up.heard == []
            assert gateway.record.error == "authentication"
            assert gateway.records.begun == []

    run(main())


@pytest.mark.parametrize("kind", ["openai", "openai-compatible"])
def test_what_names_the_users_paths_stays_here(kind: str) -> None:
    async def main() -> None:
        body = {**RESPONSES, "client_metadata": {"workspaces": {"/home/ada/secret": {}}}}
        async with provider(says(SSE, *CHAT_STREAM)) as up, stand(up.url, kind=kind) as gateway:
            await gateway.ask("responses", body, CODEX)

            assert "/home/ada" not in up.heard[0].head + up.heard[0].body.decode()

    run(main())


def test_the_users_paths_go_to_openai_where_config_says_so() -> None:
    async def main() -> None:
        body = {"model": "up/gpt-5.5", "input": "hi", "stream": True, "client_metadata": {"workspaces": {"/home/ada/x": {}}}}
        async with provider(says(SSE, *CHAT_STREAM)) as up, stand(up.url, settings=", metadata: true") as gateway:
            await gateway.ask("responses", body, CODEX)

            assert up.heard[0].json["client_metadata"] == {"workspaces": {"/home/ada/x": {}}}

    run(main())


def test_params_of_a_target_are_set_in_both_lanes() -> None:
    async def main() -> None:
        models = "models: {coder: {targets: [{model: up/gpt-4, params: {temperature: 0.25, user: null}}]}}"
        async with provider(answers(200, WHOLE)) as up, stand(up.url, models) as gateway:
            await gateway.ask("chat", {**CHAT, "model": "coder", "user": "ada"})
        async with provider(answers(200, WHOLE)) as other, stand(other.url, models, settings=", dialect: chat") as gateway:
            await gateway.ask("responses", {"model": "coder", "input": "hi", "user": "ada"})

            assert [heard.json.get("temperature") for heard in (*up.heard, *other.heard)] == [0.25, 0.25]
            assert [heard.json.get("user") for heard in (*up.heard, *other.heard)] == [None, None]

    run(main())


# ---- the translate lane --------------------------------------------------------------------------------------------------


def test_a_chat_stream_becomes_a_responses_stream() -> None:
    async def main() -> None:
        async with provider(says(SSE, *CHAT_STREAM)) as up, stand(up.url, settings=", dialect: chat") as gateway:
            told = await gateway.ask("responses", RESPONSES)

            events = told.events
            assert [event["sequence_number"] for event in events] == list(range(len(events)))
            assert events[0]["type"] == "response.created"
            assert [event["delta"] for event in events if event["type"] == "response.output_text.delta"] == ["Hel", "lo"]
            assert events[-1]["type"] == "response.completed"
            assert events[-1]["response"]["usage"]["total_tokens"] == 7
            assert gateway.record.lane == "translate"
            assert up.heard[0].json["messages"] == [{"role": "user", "content": "hi"}]

    run(main())


def test_state_at_the_provider_is_refused_where_there_is_none() -> None:
    async def main() -> None:
        async with provider(answers(200, WHOLE)) as up, stand(up.url, settings=", dialect: chat") as gateway:
            told = await gateway.ask("responses", {**RESPONSES, "stream": False, "previous_response_id": "resp_1"})

            assert told.status == 400
            assert "previous_response_id" in told.json["error"]["message"]
            assert up.heard == []

    run(main())


def test_references_to_what_nobody_keeps_are_refused_with_the_way_to_do_without() -> None:
    async def main() -> None:
        said = [{"role": "user", "content": "hi"}, {"type": "item_reference", "id": "msg_1"}]
        async with provider(answers(200, WHOLE)) as up, stand(up.url, settings=", dialect: chat") as gateway:
            told = await gateway.ask("responses", {**RESPONSES, "stream": False, "input": said})

            assert told.status == 400
            assert "`item_reference`" in told.json["error"]["message"]
            assert "with `store: false`" in told.json["error"]["message"]
            assert up.heard == []

    run(main())


@pytest.mark.parametrize("streamed", [False, True])
def test_a_wish_to_keep_the_answer_is_warned_of_where_nobody_can(streamed: bool) -> None:
    async def main() -> None:
        answer = says(SSE, *CHAT_STREAM) if streamed else answers(200, WHOLE)
        async with provider(answer) as up, stand(up.url, settings=", dialect: chat") as gateway:
            told = await gateway.ask("responses", {**RESPONSES, "stream": streamed, "store": True})

            assert told.status == 200
            assert "store: the answer is kept nowhere" in told.headers["x-dragoman-warnings"]
            whole = told.events[-1]["response"] if streamed else told.json
            assert whole["store"] is False
            assert "store" not in up.heard[0].json

    run(main())


def test_what_cannot_be_said_is_told_in_a_header_and_the_record() -> None:
    async def main() -> None:
        body = {**RESPONSES, "stream": False, "tools": [{"type": "web_search"}]}
        async with provider(answers(200, WHOLE)) as up, stand(up.url, kind="openai-compatible") as gateway:
            told = await gateway.ask("responses", body)

            assert "web_search" in told.headers["x-dragoman-warnings"]
            assert any("web_search" in field + why for field, why in gateway.record.warnings)

    run(main())


@pytest.mark.parametrize("streamed", [False, True])
def test_what_a_client_cannot_be_told_of_citations_is_told_in_the_record_once(streamed: bool) -> None:
    async def main() -> None:
        note = {"type": "url_citation", "url_citation": {"url": "https://a.example", "title": "A", "start_index": 0, "end_index": 2}}
        message = {"role": "assistant", "content": "hi", "annotations": [note, note]}
        answer = json.dumps({"id": "c", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
        body = {"model": "up/m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], "stream": streamed}
        async with provider(answers(200, answer)) as up, stand(up.url, kind="openai-compatible") as gateway:
            told = await gateway.ask("messages", body)

            lost = ("citations", "`messages` has no form for what the answer cites")
            assert (told.status, gateway.record.warnings.count(lost)) == (200, 1)
            await gateway.ask("responses", {"model": "up/m", "input": "hi", "stream": streamed})
            assert lost[0] not in dict(gateway.record.warnings)

    run(main())


@pytest.mark.parametrize("streamed", [False, True])
def test_what_a_client_has_no_form_for_in_an_answer_is_told_in_the_record_once(streamed: bool) -> None:
    async def main() -> None:
        picture = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "AAAA"}
        search = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}}
        said = {
            "type": "message",
            "id": "m",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "hi"}],
        }
        whole = {"id": "r", "object": "response", "model": "m", "status": "completed", "output": [picture, search, search, said]}
        async with provider(answers(200, json.dumps(whole).encode())) as up, stand(up.url, settings=", dialect: responses") as gateway:
            told = await gateway.ask("chat", {"model": "up/m", "messages": [{"role": "user", "content": "hi"}], "stream": streamed})

            assert (told.status, gateway.record.message) == (200, None)
            assert [why for field, why in gateway.record.warnings if field == "output"] == [
                "`chat` has no form for `image_generation_call` of `responses`",
                "`chat` has no form for what tools did that the provider ran itself",
            ]

    run(main())


# ---- faults before output ------------------------------------------------------------------------------------------------

BOTH_LANES = pytest.mark.parametrize(("name", "body"), [("chat", STREAMED), ("responses", RESPONSES)])


@BOTH_LANES
def test_an_error_before_output_keeps_an_honest_status(name: str, body: dict[str, Any]) -> None:
    async def main() -> None:
        fault = b'data: {"error":{"message":"engine on fire","type":"server_error","code":null,"param":null}}\n\n'
        async with provider(says(SSE, fault)) as up, stand(up.url, settings=", dialect: chat") as gateway:
            told = await gateway.ask(name, body)

            assert told.status == 502
            assert "engine on fire" in told.json["error"]["message"]

    run(main())


@BOTH_LANES
@pytest.mark.parametrize(
    ("status", "told_status"), [(400, 400), (401, 502), (403, 502), (404, 404), (413, 413), (429, 429), (500, 502), (503, 503), (529, 503)]
)
def test_a_refusal_is_told_with_its_meaning(name: str, body: dict[str, Any], status: int, told_status: int) -> None:
    async def main() -> None:
        refusal = b'{"error":{"message":"no and no","type":"t","param":null,"code":null}}'
        async with provider(answers(status, refusal)) as up, stand(up.url, settings=", dialect: chat") as gateway:
            told = await gateway.ask(name, body)

            assert told.status == told_status
            assert "no and no" in told.json["error"]["message"]
            assert gateway.record.attempts[0].status == status

    run(main())


def test_an_error_whose_words_do_not_come_is_told_by_its_status() -> None:
    async def stuck(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Heard) -> None:
        writer.write(b"HTTP/1.1 503 X\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{")
        await reader.read()

    async def main() -> None:
        async with provider(stuck) as up, stand(up.url, pace=Pace(error_s=0.05)) as gateway:
            told = await gateway.ask("chat", CHAT)

            assert (told.status, gateway.record.error) == (503, "overloaded")

    run(main())


@BOTH_LANES
@pytest.mark.parametrize(
    ("script", "words"),
    [
        (answers(200, b"<html><title>Welcome</title></html>", "text/html"), "text/html"),
        (answers(502, b"<html>Bad Gateway</html>", "text/html"), "502"),
        (answers(200, b"{not json", "application/json"), ""),
        (answers(200, b"", "application/json"), ""),
        (says(SSE), ""),
        (says(SSE, b"data: {broken\n\n"), ""),
        (says(SSE, chat_chunk({"role": "assistant"})[:20], close=True), ""),
    ],
    ids=["html", "html error", "broken json", "empty json", "empty stream", "garbled event", "half an event"],
)
@pytest.mark.parametrize("streamed", [True, False])
def test_no_answer_is_never_a_success(name: str, body: dict[str, Any], script: Any, words: str, streamed: bool) -> None:
    async def main() -> None:
        async with provider(script) as up, stand(up.url, settings=", dialect: chat") as gateway:
            told = await gateway.ask(name, {**body, "stream": streamed})

            assert told.status == 502
            assert told.json["error"]["message"]
            assert words in told.json["error"]["message"]
            assert gateway.record.error is not None

    run(main())


def test_a_provider_that_is_not_there_is_told_with_its_address() -> None:
    async def main() -> None:
        # Bound for as long as it is asked: a port that was let go may be another's in a moment.
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            place = f"127.0.0.1:{bound.getsockname()[1]}"
            async with stand(f"http://{place}/v1") as gateway:
                told = await gateway.ask("chat", CHAT)

        assert told.status == 502
        assert place in told.json["error"]["message"]

    run(main())


def test_a_name_that_nothing_matches_gets_the_nearest_names() -> None:
    async def main() -> None:
        models = "models: {coder: up/gpt-4}\n"
        async with provider(answers(200, WHOLE)) as up, stand(up.url, models) as gateway:
            told = await gateway.ask("chat", {**CHAT, "model": "upp/gpt-4"})

            assert told.status == 404
            assert "`up/gpt-4`" in told.json["error"]["message"]
            assert "\n" not in told.json["error"]["message"]

    run(main())


def test_the_providers_key_in_its_own_words_is_struck_out() -> None:
    async def main() -> None:
        refusal = b'{"error":{"message":"bad key sk-provider-secret given","code":"invalid_api_key"}}'
        async with provider(answers(401, refusal)) as up, stand(up.url) as gateway:
            told = await gateway.ask("chat", CHAT)

            assert b"sk-provider-secret" not in told.body
            assert "sk-provider-secret" not in str(gateway.record)
            assert "providers.up.keys" in told.json["error"]["message"]

    run(main())


# ---- faults after output -------------------------------------------------------------------------------------------------


@BOTH_LANES
def test_a_cut_stream_ends_in_the_dialects_own_error(name: str, body: dict[str, Any]) -> None:
    async def main() -> None:
        async with provider(says(SSE, *CHAT_STREAM[:2], close=True)) as up, stand(up.url, settings=", dialect: chat") as gateway:
            told = await gateway.ask(name, body)

            last = told.events[-1]
            assert told.status == 200
            assert "error" in last or last["type"] == "response.failed"
            assert b"[DONE]" not in told.body
            assert b"response.completed" not in told.body
            assert gateway.record.error == "cut"

    run(main())


@BOTH_LANES
def test_a_stream_without_its_end_is_an_error(name: str, body: dict[str, Any]) -> None:
    async def main() -> None:
        async with provider(says(SSE, *CHAT_STREAM[:2])) as up, stand(up.url, settings=", dialect: chat") as gateway:
            told = await gateway.ask(name, body)

            assert gateway.record.error == "cut"
            assert b"response.completed" not in told.body

    run(main())


@BOTH_LANES
def test_an_error_inside_the_stream_ends_it_once(name: str, body: dict[str, Any]) -> None:
    async def main() -> None:
        fault = b'data: {"error":{"message":"engine on fire","type":"server_error"}}\n\n'
        told = Told()

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Heard) -> None:
            writer.write(f"HTTP/1.1 {SSE}\r\ntransfer-encoding: chunked\r\n\r\n".encode())
            writer.write(b"%x\r\n%s\r\n" % (len(b"".join(CHAT_STREAM[:2])), b"".join(CHAT_STREAM[:2])))
            await told.wrote.wait()
            writer.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(fault), fault))

        async with provider(script) as up, stand(up.url, settings=", dialect: chat") as gateway:
            await gateway.into(told, name, body)

            failures = [event for event in told.events if "error" in event or event.get("type") == "response.failed"]
            assert told.status == 200
            assert len(failures) == 1
            assert gateway.record.error is not None

    run(main())


def test_a_lone_key_that_was_limited_rests_as_long_as_the_headers_of_its_limits_say() -> None:
    limits = "x-ratelimit-limit-requests: 10\r\nx-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 40s\r\n"

    async def main() -> None:
        async with provider(answers(429, b'{"error":{"message":"slow down"}}', extra=limits)) as up, stand(up.url) as gateway:
            await gateway.ask("chat", CHAT)

            (seat,) = gateway.runtime.board.view(gateway.runtime.clock())
            assert seat.for_s is not None
            assert seat.until_s is not None
            assert (seat.standing, seat.for_s + seat.until_s) == ("resting", pytest.approx(40, abs=0.01))

    run(main())


# ---- silence, and clients that leave -------------------------------------------------------------------------------------


def hangs(*pieces: bytes) -> Any:
    """A provider that says this much (nothing: not even a head) and then waits until its client leaves."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Heard) -> None:
        if pieces:
            writer.write(f"HTTP/1.1 {SSE}\r\ntransfer-encoding: chunked\r\n\r\n".encode())
        for piece in pieces:
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        await reader.read(1)
        heard.left.set()
        writer.close()

    return script


@BOTH_LANES
@pytest.mark.parametrize("pieces", [(), CHAT_STREAM[:1], CHAT_STREAM[:2]], ids=["no head", "no output", "some output"])
def test_a_silent_provider_is_covered_by_signs_of_life_and_cancelled_when_the_client_leaves(
    name: str, body: dict[str, Any], pieces: tuple[bytes, ...]
) -> None:
    async def main() -> None:
        pace = Pace(hold_s=0.01, ping_s=0.01)
        async with provider(hangs(*pieces)) as up, stand(up.url, settings=", dialect: chat", pace=pace) as gateway:
            told = Told()
            task = asyncio.ensure_future(gateway.into(told, name, body))
            while len(told.pieces) < 5:
                told.wrote.clear()
                await told.wrote.wait()
            task.cancel()
            await asyncio.wait([task])

            await up.heard[0].left.wait()
            assert told.status == 200
            assert gateway.record.status == 499
            assert gateway.pool.stats().open == 0

    run(main())


@pytest.mark.parametrize(
    ("pieces", "sign"), [((), b": keep-alive"), (CHAT_STREAM[:2], b"event: keepalive")], ids=["no output", "some output"]
)
def test_a_sign_of_life_is_the_dialects_own_once_no_other_try_can_begin_the_answer(pieces: tuple[bytes, ...], sign: bytes) -> None:
    async def main() -> None:
        pace = Pace(hold_s=0.01, ping_s=0.01)
        async with provider(hangs(*pieces)) as up, stand(up.url, settings=", dialect: chat", pace=pace, retry="{attempts: 2}") as gateway:
            told = Told()
            task = asyncio.ensure_future(gateway.into(told, "responses", RESPONSES))
            while len(told.pieces) < 6:
                told.wrote.clear()
                await told.wrote.wait()
            task.cancel()
            await asyncio.wait([task])

            assert told.pieces[-1].startswith(sign)

    run(main())


@BOTH_LANES
def test_an_error_after_signs_of_life_stands_in_the_stream(name: str, body: dict[str, Any]) -> None:
    async def main() -> None:
        begun = asyncio.Event()

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Heard) -> None:
            await begun.wait()
            await answers(503, b'{"error":{"message":"come back later"}}')(reader, writer, heard)

        async with provider(script) as up, stand(up.url, settings=", dialect: chat", pace=Pace(hold_s=0.01, ping_s=0.01)) as gateway:
            told = Told()
            task = asyncio.ensure_future(gateway.into(told, name, body))
            await told.wrote.wait()
            begun.set()
            await task

            assert told.status == 200
            assert b"come back later" in told.body
            assert b"response.completed" not in told.body
            assert b"[DONE]" not in told.body
            assert told.finished

    run(main())


@pytest.mark.parametrize("deadline", ["first_byte_s", "idle_s", "total_s"])
@BOTH_LANES
def test_every_deadline_ends_the_exchange_in_a_timeout(name: str, body: dict[str, Any], deadline: str) -> None:
    async def main() -> None:
        pieces = () if deadline == "first_byte_s" else CHAT_STREAM[:2]
        loop, told, passed_s = asyncio.get_running_loop(), Told(), 0.0
        time = loop.time
        loop.time = lambda: time() + passed_s
        settings = f", dialect: chat, deadlines: {{{deadline}: {10 if deadline == 'total_s' else 0.05}}}"
        async with provider(hangs(*pieces)) as up, stand(up.url, settings=settings) as gateway:
            task = asyncio.ensure_future(gateway.into(told, name, body))
            if deadline == "total_s":
                # The time of the whole is over when its first piece has arrived, however long that took.
                await told.wrote.wait()
                passed_s = 10.0
            await task

            assert gateway.record.error == "timeout"
            assert told.finished
            assert told.status == (504 if deadline == "first_byte_s" else 200)

    run(main())


@pytest.mark.parametrize(
    ("has_left", "pieces", "noted"),
    [
        (True, (), (499, "client_gone")),
        (True, CHAT_STREAM[:2], (499, "client_gone")),
        (False, (), (503, "shutting_down")),
        (False, CHAT_STREAM[:2], (200, "shutting_down")),
    ],
)
def test_an_exchange_that_is_ended_is_on_record_with_who_ended_it(
    has_left: bool, pieces: tuple[bytes, ...], noted: tuple[int, str]
) -> None:
    async def main() -> None:
        async with provider(hangs(*pieces)) as up, stand(up.url) as gateway:
            told = Told()
            told.disconnected = has_left
            task = asyncio.ensure_future(gateway.into(told, "chat", STREAMED))
            while not (up.heard and (told.pieces or not pieces)):
                await asyncio.sleep(0)

            task.cancel()
            await asyncio.wait([task])

            assert (task.cancelled(), (gateway.record.status, gateway.record.error)) == (True, noted)
            assert gateway.record.message == (None if has_left else "the gateway was stopped before the answer was over")

    run(main())


# ---- Codex ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403, 400, 404])
def test_codex_is_told_of_permanent_faults_in_the_form_that_it_shows_at_once(status: int) -> None:
    async def main() -> None:
        refusal = json.dumps({"error": {"message": "no and no", "type": "t", "param": None, "code": None}}).encode()
        async with provider(answers(status, refusal)) as up, stand(up.url, settings=", dialect: chat") as gateway:
            told = await gateway.ask("responses", RESPONSES, CODEX)

            assert told.status == 400
            assert told.json["error"]["code"] in ("invalid_prompt", "model_not_found")
            assert "no and no" in told.json["error"]["message"]

    run(main())


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_codex_is_told_of_passing_faults_in_a_form_that_it_retries(status: int) -> None:
    async def main() -> None:
        script = answers(status, b'{"error":{"message":"busy"}}', extra="retry-after: 2\r\n")
        async with provider(script) as up, stand(up.url, settings=", dialect: chat") as gateway:
            told = await gateway.ask("responses", RESPONSES, CODEX)

            # 424 is retried six times where 5xx are retried thirty times, and its sentence is shown; that of a 429 is not.
            assert told.status == 424
            assert told.headers.get("retry-after") == "2"

    run(main())


def test_names_that_a_client_makes_endless_go_on_record_by_their_beginning() -> None:
    long = "s" * 10_000

    async def main() -> None:
        headers = {**CODEX, "session-id": long, "x-dragoman-run": long, "x-codex-turn-metadata": json.dumps({"turn_id": long})}
        async with provider(answers(200, WHOLE)) as up, stand(up.url) as gateway:
            await gateway.ask("responses", {**RESPONSES, "model": f"up/{long}"}, headers)

            record = gateway.record
            assert {record.session, record.turn, record.run, record.asked} == {long[:512], f"up/{long}"[:512]}
            assert (record.error, up.heard) == ("model_not_found", [])

    run(main())


def test_the_session_of_codex_is_on_record() -> None:
    async def main() -> None:
        async with provider(says(SSE, *CHAT_STREAM)) as up, stand(up.url, settings=", dialect: chat") as gateway:
            await gateway.ask("responses", RESPONSES, CODEX)

            record = gateway.record
            assert gateway.records.begun == [record.id]
            assert (record.agent, record.agent_version, record.session) == ("codex", "0.169.0", "0197-session")
            assert record.first_token_s is not None
            assert record.bytes_out > 0

    run(main())


def test_a_weighted_choice_stays_with_the_session() -> None:
    async def main() -> None:
        models = "models: {coder: {targets: [{model: up/a, weight: 50}, {model: up/b, weight: 50}]}}"
        async with provider(answers(200, WHOLE)) as up, stand(up.url, models, settings=", dialect: chat") as gateway:
            for session in range(20):
                for _ in range(2):
                    await gateway.ask("responses", {"model": "coder", "input": "hi"}, {**CODEX, "session-id": f"s{session}"})

            chosen = [heard.json["model"] for heard in up.heard]
            assert chosen[::2] == chosen[1::2]
            assert set(chosen) == {"a", "b"}

    run(main())
