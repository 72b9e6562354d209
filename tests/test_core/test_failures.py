"""What a client is told of a provider that fails, refuses or breaks off: whose error it is, what it means, and in a form that it shows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from typing import Any

import pytest
from stand import CODEX, PLAIN, SSE, Heard, Script, Told, answers, chat_chunk, provider, says, stand

ASKED = {"model": "up/gpt-4", "input": "hi", "stream": True}


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(main, 120))


def frame(kind: str, number: int, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, 'sequence_number': number, **fields})}\n\n".encode()


def response(status: str, **fields: Any) -> dict[str, Any]:
    return {"id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-4", "status": status, "output": [], **fields}


OPENING = frame("response.created", 0, response=response("in_progress"))
MESSAGE = {"type": "message", "id": "m", "status": "in_progress", "role": "assistant", "content": []}
ITEM = frame("response.output_item.added", 1, output_index=0, item=MESSAGE) + frame(
    "response.content_part.added",
    1,
    item_id="m",
    output_index=0,
    content_index=0,
    part={"type": "output_text", "text": "", "annotations": []},
)
WORDS = frame("response.output_text.delta", 1, item_id="m", output_index=0, content_index=0, delta="Hel")
FILTERED = frame("response.incomplete", 2, response=response("incomplete", incomplete_details={"reason": "content_filter"}))
FAILED = frame("response.failed", 2, response=response("failed", error={"code": "content_filter", "message": "Not that."}))
ERROR = frame("error", 2, error={"code": "server_error", "message": "Sorry."})
REFUSED = "provider `up` refused by its policy: the answer was ended by a filter or a refusal"


def parted(told: Told, before: bytes, after: bytes) -> Script:
    """A script that says the second half when the client has something of the first."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Heard) -> None:
        writer.write(f"HTTP/1.1 {SSE}\r\ntransfer-encoding: chunked\r\n\r\n".encode())
        writer.write(b"%x\r\n%s\r\n" % (len(before), before))
        await told.wrote.wait()
        writer.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(after), after))

    return script


def failure(body: dict[str, Any]) -> tuple[str, str]:
    error = body["response"]["error"]
    return error["code"], error["message"]


@pytest.mark.parametrize(
    ("status", "error", "sentence"),
    [
        (500, {"message": "Sorry."}, "provider `up` failed (HTTP 500): Sorry."),
        (429, {"message": "Slow."}, "provider `up` limits how fast it is asked (HTTP 429): Slow."),
        (503, {"message": "Full."}, "provider `up` is overloaded (HTTP 503): Full."),
        (400, {"message": "Bad."}, "provider `up` refused the request (HTTP 400): Bad."),
        (404, {"message": "No x.", "code": "model_not_found"}, "provider `up` does not offer the model (HTTP 404): No x."),
        (403, {"message": "No."}, "provider `up` does not permit this (HTTP 403): No; check what the key in `providers.up.keys` may do"),
    ],
)
@pytest.mark.parametrize("dialect", ["chat", "responses"])
def test_it_is_said_whose_error_it_is_and_what_it_means(dialect: str, status: int, error: dict[str, str], sentence: str) -> None:
    async def main() -> None:
        script = answers(status, json.dumps({"error": error}).encode())
        async with provider(script) as up, stand(up.url, settings=f", dialect: {dialect}") as gateway:
            told = await gateway.ask("responses", ASKED, CODEX)

            assert told.json["error"]["message"] == sentence
            assert gateway.record.message == sentence

    run(main())


def test_a_client_of_the_same_api_gets_the_providers_own_error() -> None:
    async def main() -> None:
        body = b'{"error":{"message":"Bad.","type":"invalid_request_error","param":null,"code":"odd"}}'
        async with provider(answers(400, body)) as up, stand(up.url) as gateway:
            told = await gateway.ask("responses", ASKED, PLAIN)

            assert (told.status, told.body) == (400, body)

    run(main())


@pytest.mark.parametrize(("relayed", "settings"), [(True, ""), (False, ", relay: []")])
@pytest.mark.parametrize("end", [FILTERED, FAILED], ids=["incomplete", "failed"])
def test_codex_is_told_once_that_a_filter_ended_the_answer(end: bytes, relayed: bool, settings: str) -> None:
    async def main() -> None:
        told = Told()
        async with provider(parted(told, OPENING + ITEM + WORDS, end)) as up, stand(up.url, settings=settings) as gateway:
            await gateway.into(told, "responses", ASKED, CODEX)

            code, sentence = failure(told.events[-1])
            assert (code, sentence.startswith("provider `up` refused by its policy: ")) == ("invalid_prompt", True)
            assert "response.incomplete" not in told.body.decode()
            assert (gateway.record.lane, gateway.record.error) == ("relay" if relayed else "translate", "content_policy")

    run(main())


def test_others_get_the_end_of_a_relayed_stream_as_it_is() -> None:
    async def main() -> None:
        async with provider(says(SSE, OPENING, WORDS, FILTERED)) as up, stand(up.url) as gateway:
            told = await gateway.ask("responses", ASKED, PLAIN)

            assert told.body == OPENING + WORDS + FILTERED
            assert gateway.record.error is None

    run(main())


def test_codex_gets_the_end_in_a_form_that_it_reads_where_it_came_with_the_words_before() -> None:
    async def main() -> None:
        told = Told()
        async with provider(parted(told, OPENING + WORDS, WORDS + ERROR)) as up, stand(up.url) as gateway:
            await gateway.into(told, "responses", ASKED, CODEX)

            assert [event["type"] for event in told.events] == ["response.created", *["response.output_text.delta"] * 2, "response.failed"]
            assert failure(told.events[-1]) == ("server_error", "provider `up` failed: Sorry.")

    run(main())


def test_codex_is_shown_the_words_of_a_refusal() -> None:
    async def main() -> None:
        stream = (chat_chunk({"role": "assistant", "refusal": "I will not."}), chat_chunk({}, "stop"), b"data: [DONE]\n\n")
        async with provider(says(SSE, *stream)) as up, stand(up.url, settings=", dialect: chat") as gateway:
            told = await gateway.ask("responses", ASKED, CODEX)

            (item,) = told.events[-1]["response"]["output"]
            assert [(part["type"], part["text"]) for part in item["content"]] == [("output_text", "I will not.")]

    run(main())


@pytest.mark.parametrize("reason", ["content_filter", "refusal"])
def test_codex_is_told_at_once_of_an_answer_that_has_no_words_but_a_filter(reason: str) -> None:
    async def main() -> None:
        stream = (chat_chunk({"role": "assistant"}), chat_chunk({}, reason), b"data: [DONE]\n\n")
        async with provider(says(SSE, *stream)) as up, stand(up.url, settings=", dialect: chat") as gateway:
            told = await gateway.ask("responses", ASKED, CODEX)

            assert (told.status, told.json["error"]["code"]) == (400, "invalid_prompt")
            assert told.json["error"]["message"].startswith(REFUSED)

    run(main())


def test_a_wait_told_as_a_date_counts_from_now_where_the_provider_tells_no_time() -> None:
    async def main() -> None:
        # The stand's clock begins at 0.
        script = answers(429, b'{"error":{"message":"Slow."}}', extra="retry-after: Thu, 01 Jan 1970 01:00:00 GMT\r\n")
        async with provider(script) as up, stand(up.url, settings=", dialect: chat") as gateway:
            told = await gateway.ask("responses", ASKED, CODEX)

            assert told.json["error"]["message"].endswith("Slow; ask again in 60 min")

    run(main())


@pytest.mark.parametrize(
    ("status", "code", "told_to"),
    [
        (401, "invalid_api_key", "false"),
        (429, "insufficient_quota", "false"),
        (429, "rate_limit_exceeded", None),
        (500, "server_error", None),
    ],
)
@pytest.mark.parametrize("dialect", ["responses", "chat", "messages"])
def test_sdks_are_told_not_to_ask_again_where_it_cannot_help(dialect: str, status: int, code: str, told_to: str | None) -> None:
    async def main() -> None:
        body = json.dumps({"error": {"message": "No.", "code": code}}).encode()
        async with provider(answers(status, body)) as up, stand(up.url) as gateway:
            told = await gateway.ask(dialect, {**ASKED, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5}, PLAIN)

            assert told.headers.get("x-should-retry") == told_to

    run(main())


@pytest.mark.parametrize("dialect", ["responses", "chat"])
def test_a_provider_that_closes_without_an_answer_is_named_where_no_stream_was_asked_for(dialect: str) -> None:
    async def main() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Heard) -> None:
            writer.close()

        async with provider(script) as up, stand(up.url, settings=f", dialect: {dialect}") as gateway:
            told = await gateway.ask("responses", {**ASKED, "stream": False}, PLAIN)

            assert told.json["error"]["message"].startswith("provider `up`: ")
            assert [attempt.error for attempt in gateway.record.attempts] == ["cut"]

    run(main())


def test_a_refused_key_of_the_provider_is_not_told_as_the_clients() -> None:
    async def main() -> None:
        body = json.dumps({"error": {"message": "No.", "code": "invalid_api_key", "type": "authentication_error"}}).encode()
        async with provider(answers(401, body)) as up, stand(up.url) as gateway:
            told = await gateway.ask("responses", ASKED, PLAIN)

            assert (told.status, told.json["error"]["type"], told.json["error"]["code"]) == (502, "server_error", "provider_key")

    run(main())
