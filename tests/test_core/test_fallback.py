"""An exchange that survives the failures of providers: other keys, other targets, waits; nothing begun anew once output was said."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from random import Random
from typing import Any

import msgspec
import pytest
from stand import CHAT_STREAM, SSE, Heard, Provider, Script, Stand, answers, chat_chunk, provider, says, stand

from dragoman.config.load import parse
from dragoman.core.decide import wanted
from dragoman.core.runtime import Pace
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.record import Attempt
from dragoman.routing.resolve import Resolver

FAST = "{backoff_s: 0.01, backoff_max_s: 0.02}"
WHOLE = json.dumps(
    {
        "id": "chatcmpl-2",
        "object": "chat.completion",
        "created": 1,
        "model": "m-2",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
    }
).encode()
CHAT = {"model": "best", "messages": [{"role": "user", "content": "hi"}]}
MESSAGES = {"model": "best", "max_tokens": 64, "messages": [{"role": "user", "content": "hi"}]}


def wrong(status: int, code: str = "boom", extra: str = "") -> Script:
    return answers(status, json.dumps({"error": {"message": f"it is {code}", "type": code, "code": code}}).encode(), extra=extra)


CUT = says(SSE, CHAT_STREAM[0], close=True)
"""A stream that opens and breaks off before it says anything."""


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Heard) -> None:
    writer.close()


def good(stream: bool) -> Script:
    return says(SSE, *CHAT_STREAM) if stream else answers(200, WHOLE)


def key_of(heard: Heard) -> str:
    return next(line.partition(": bearer ")[2] for line in heard.head.split("\r\n") if line.startswith("authorization"))


def by_key(scripts: dict[str, Script]) -> Script:
    """Answers each provider key in its own way."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Heard) -> None:
        await scripts[key_of(heard)](reader, writer, heard)

    return script


def in_turn(*scripts: Script) -> Script:
    """Answers each request in its own way, the last way for ever."""
    left = list(scripts)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Heard) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(reader, writer, heard)

    return script


TWO = "models: {best: {strategy: priority, targets: [{model: up/m-1, priority: 1}, {model: other/m-2, priority: 2}]}}"


def two(other: Provider) -> str:
    return f"  other: {{kind: openai-compatible, base_url: '{other.url}', keys: [sk-other]}}\n{TWO}"


def tries(made: Stand) -> list[tuple[str, str | None, int | None, str | None]]:
    return [(one.provider, one.key, one.status, one.error) for one in made.record.attempts]


def run(first: Script, second: Script, then: Callable[[Stand, Provider, Provider], Any], **settings: Any) -> None:
    """With the targets `up` (which fails) and `other`."""

    async def main() -> None:
        async with (
            provider(first) as one,
            provider(second) as two_,
            stand(one.url, two(two_), kind="openai-compatible", retry=FAST, **settings) as made,
        ):
            await then(made, one, two_)

    asyncio.run(asyncio.wait_for(main(), 120))


FAULTS = {
    "500": (wrong(500), 500, "server_error"),
    "429": (wrong(429, "rate_limit_exceeded", "retry-after: 20\r\n"), 429, "rate_limited"),
    "401": (wrong(401, "invalid_api_key"), 401, "provider_key"),
    "cut": (CUT, 200, "cut"),
    "hang up": (hang_up, None, "cut"),
    "web page": (answers(200, b"<html>", "text/html"), 200, "garbled"),
}


@pytest.mark.parametrize("fault", list(FAULTS))
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("dialect", "body"), [("chat", CHAT), ("messages", MESSAGES)])
def test_a_target_that_fails_before_output_is_followed_by_the_next(dialect: str, body: dict[str, Any], stream: bool, fault: str) -> None:
    script, status, kind = FAULTS[fault]
    if fault == "cut" and not stream:
        status, kind = 200, "garbled"

    async def then(made: Stand, one: Provider, other: Provider) -> None:
        told = await made.ask(dialect, {**body, "stream": stream})

        assert (told.status, told.finished) == (200, True)
        assert b"Hel" in told.body
        assert (len(one.heard), len(other.heard)) == (1, 1)
        assert tries(made)[1:] == [("other", "key-1", 200, None)]
        assert tries(made)[0][:2] == ("up", "key-1")
        assert tries(made)[0][2:] == (status, kind) or fault == "cut"
        assert {name: told.headers[name] for name in ("x-dragoman-model", "x-dragoman-provider", "x-dragoman-attempts")} == {
            "x-dragoman-model": "other/m-2",
            "x-dragoman-provider": "other",
            "x-dragoman-attempts": "2",
        }
        record = made.record
        assert (record.provider, record.model, record.error, record.status) == ("other", "m-2", None, 200)
        assert [place.seat.id for place in record.decision.places] == ["up/m-1@key-1", "other/m-2@key-1"]
        assert "sk-" not in repr(record)

    run(script, good(stream), then)


def test_nothing_is_begun_anew_after_output_was_said() -> None:
    async def then(made: Stand, one: Provider, other: Provider) -> None:
        told = await made.ask("chat", {**CHAT, "stream": True})

        assert told.status == 200
        assert told.events[-1]["error"]["code"] == "cut"
        assert (len(one.heard), len(other.heard)) == (1, 0)
        assert made.record.error == "cut"

    run(says(SSE, *CHAT_STREAM[:2], close=True), good(True), then)


def test_what_the_client_did_wrong_is_told_by_the_first() -> None:
    async def then(made: Stand, one: Provider, other: Provider) -> None:
        told = await made.ask("chat", CHAT)

        assert (told.status, told.json["error"]["message"]) == (400, "it is invalid_request_error")
        assert len(other.heard) == 0

    run(wrong(400, "invalid_request_error"), good(False), then)


def test_a_target_that_cannot_be_asked_this_is_passed_by_and_the_record_says_so() -> None:
    async def main() -> None:
        async with provider(good(False)) as one, provider(answers(200, b"{}")) as other:
            more = (
                two(other)
                .replace("model: up/m-1, priority: 1", "model: up/m-1, priority: 2")
                .replace("m-2, priority: 2", "m-2, priority: 1")
            )
            body = {"model": "best", "input": "more", "previous_response_id": "resp_1"}
            async with stand(one.url, more, kind="openai-compatible", settings=", dialect: chat", retry=FAST) as made:
                told = await made.ask("responses", body)

                assert told.status == 400
                assert [(name, error) for name, _, _, error in tries(made)] == [("other", "unsupported"), ("up", "unsupported")]
                assert told.headers["x-dragoman-attempts"] == "2"

    asyncio.run(asyncio.wait_for(main(), 120))


def test_all_that_failed_is_in_the_record_and_the_most_useful_is_told() -> None:
    async def then(made: Stand, one: Provider, other: Provider) -> None:
        told = await made.ask("chat", CHAT)

        assert told.status == 429
        assert told.headers["retry-after"] == "40"
        assert tries(made) == [("up", "key-1", 401, "provider_key"), ("other", "key-1", 429, "rate_limited")]

    run(wrong(401, "invalid_api_key"), wrong(429, "rate_limit_exceeded", "retry-after: 40\r\n"), then)


def test_more_fallbacks_than_are_tried_are_refused_by_their_number() -> None:
    resolver = Resolver.compile(parse(b"providers: {lab: {kind: vllm}}", {}).config)

    assert len(wanted(resolver, "lab/x, " * 16)) == 16
    with pytest.raises(GatewayError, match="names 17 models; at most 16 are tried") as caught:
        wanted(resolver, "lab/x, " * 17)
    assert (caught.value.kind, caught.value.param) == (Kind.INVALID_REQUEST, "x-dragoman-fallbacks")


def test_a_retry_that_the_budget_withholds_is_told_in_the_record_and_to_no_client() -> None:
    async def main() -> None:
        async with provider(wrong(500)) as one, stand(one.url, kind="openai-compatible", retry=FAST) as made:
            made.runtime.board.budget("up").retries.add(made.runtime.clock(), 10)
            told = await made.ask("chat", {**CHAT, "model": "up/m-1"})

        assert (told.status, told.headers["x-dragoman-attempts"]) == (502, "1")
        assert told.json["error"]["message"] == "it is boom"
        assert made.record.message == (
            "provider `up` failed (HTTP 500): it is boom; "
            "not tried again, since the retries of `up` for this minute are spent (`routing.retry.budget`)"
        )

    asyncio.run(asyncio.wait_for(main(), 120))


def test_a_wait_the_provider_asked_for_is_kept_and_then_it_answers() -> None:
    async def main() -> None:
        script = in_turn(wrong(429, "rate_limit_exceeded", "retry-after-ms: 30\r\n"), good(False))
        async with provider(script) as one, stand(one.url, kind="openai-compatible", retry=FAST) as made:
            told = await made.ask("chat", {**CHAT, "model": "up/m-1"})

        first, second = made.record.attempts
        assert (told.status, told.headers["x-dragoman-attempts"]) == (200, "2")
        assert isinstance(first, Attempt)
        assert first.ended_s is not None
        assert second.began_s - first.ended_s >= 0.03

    asyncio.run(asyncio.wait_for(main(), 120))


@pytest.mark.parametrize("stream", [True, False])
def test_a_timer_that_rings_early_does_not_end_the_wait(monkeypatch: pytest.MonkeyPatch, stream: bool) -> None:
    sleep = asyncio.sleep

    async def early(seconds: float) -> None:
        await sleep(max(0.0, seconds - 0.02))

    async def main() -> None:
        script = in_turn(wrong(429, "rate_limit_exceeded", "retry-after-ms: 60\r\n"), good(stream))
        async with provider(script) as one, stand(one.url, "", kind="openai-compatible", retry=FAST) as made:
            monkeypatch.setattr(asyncio, "sleep", early)
            told = await made.ask("chat", {**CHAT, "model": "up/m-1", "stream": stream})

            assert (told.status, len(made.record.attempts)) == (200, 2)
            assert made.record.waited_s >= 0.06

    asyncio.run(asyncio.wait_for(main(), 120))


def test_a_client_that_waits_for_a_retry_hears_that_the_gateway_is_there() -> None:
    async def main() -> None:
        script = in_turn(wrong(429, "rate_limit_exceeded", "retry-after-ms: 120\r\n"), good(True))
        pace = Pace(hold_s=0.02, ping_s=0.03)
        async with provider(script) as one, stand(one.url, kind="openai-compatible", retry=FAST, pace=pace) as made:
            told = await made.ask("chat", {**CHAT, "model": "up/m-1", "stream": True, "stream_options": {"include_usage": True}})

        assert told.status == 200
        assert told.body.startswith(b": keep-alive\n\n")
        assert told.body.endswith(b"".join(CHAT_STREAM))

    asyncio.run(asyncio.wait_for(main(), 120))


def test_an_error_after_the_wait_ends_the_stream_in_the_dialects_own_error() -> None:
    async def main() -> None:
        script = wrong(429, "rate_limit_exceeded", "retry-after-ms: 60\r\n")
        retry = "{backoff_s: 0.01, backoff_max_s: 0.02, attempts: 2}"
        async with provider(script) as one, stand(one.url, kind="openai-compatible", retry=retry, pace=Pace(hold_s=0.02)) as made:
            told = await made.ask("messages", {**MESSAGES, "model": "up/m-1", "stream": True})

        assert (told.status, told.finished, told.events[-1]["error"]["type"]) == (200, True, "rate_limit_error")
        assert (len(one.heard), made.record.error) == (2, "rate_limited")

    asyncio.run(asyncio.wait_for(main(), 120))


POOL = (
    "  pool: {{kind: openai-compatible, base_url: '{url}', keys: [{{key: ka, name: a}}, {{key: kb, name: b}}]}}\nmodels: {{best: pool/m-1}}"
)


def pooled(scripts: dict[str, Script], then: Callable[[Stand, Provider], Any]) -> None:
    """With one provider that has the keys `ka` and `kb`."""

    async def main() -> None:
        async with provider(by_key(scripts)) as one, stand(one.url, POOL.format(url=one.url), retry=FAST) as made:
            await then(made, one)

    asyncio.run(asyncio.wait_for(main(), 120))


def test_a_key_that_is_limited_rests_while_the_other_works() -> None:
    limited = wrong(429, "rate_limit_exceeded", "retry-after: 20\r\n")

    async def then(made: Stand, one: Provider) -> None:
        statuses = [(await made.ask("chat", CHAT)).status for _ in range(6)]

        assert statuses == [200] * 6
        assert [key_of(heard) for heard in one.heard].count("ka") <= 1

    pooled({"ka": limited, "kb": good(False)}, then)


def test_a_spent_limit_is_seen_in_the_headers_before_it_is_hit() -> None:
    last = "x-ratelimit-limit-requests: 10\r\nx-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 40s\r\n"

    async def then(made: Stand, one: Provider) -> None:
        for _ in range(6):
            assert (await made.ask("chat", CHAT)).status == 200

        assert [key_of(heard) for heard in one.heard].count("ka") <= 1

    pooled({"ka": answers(200, WHOLE, extra=last), "kb": good(False)}, then)


def test_dead_keys_are_told_in_one_clear_error_without_asking_again() -> None:
    dead = wrong(401, "invalid_api_key")

    async def then(made: Stand, one: Provider) -> None:
        first = await made.ask("chat", CHAT)
        second = await made.ask("chat", CHAT)

        assert (first.status, second.status, len(one.heard)) == (502, 502, 2)
        assert (first.headers["x-dragoman-attempts"], second.headers["x-dragoman-attempts"]) == ("2", "0")
        message = second.json["error"]["message"]
        assert message.startswith("nothing that could answer may be asked now: `pool/m-1@")
        assert "check `providers.pool.keys`" in message
        assert "ka" not in message.replace("asked", "")

    pooled({"ka": dead, "kb": dead}, then)


def test_fallbacks_that_the_client_names_are_tried_last() -> None:
    async def then(made: Stand, one: Provider, other: Provider) -> None:
        told = await made.ask("chat", {**CHAT, "model": "up/m-1"}, {"x-dragoman-fallbacks": "other/m-9", "user-agent": "x"})
        unknown = await made.ask("chat", {**CHAT, "model": "up/m-1"}, {"x-dragoman-fallbacks": "nowhere", "user-agent": "x"})

        assert (told.status, told.headers["x-dragoman-model"]) == (200, "other/m-9")
        assert unknown.status == 404
        assert unknown.json["error"]["message"].startswith("header `x-dragoman-fallbacks`: no model is known as `nowhere`")

    run(wrong(500), good(False), then)


def test_a_target_that_is_too_slow_to_begin_makes_way() -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Heard) -> None:
        await says(SSE, CHAT_STREAM[0])(reader, writer, heard) if heard.json.get("stream") else None
        await asyncio.sleep(5)

    async def main() -> None:
        async with provider(slow) as one, provider(in_turn(good(True), good(False))) as other:
            more = two(other).replace("{model: up/m-1, priority: 1}", "{model: up/m-1, priority: 1, first_token_s: 0.05}")
            async with stand(one.url, more, kind="openai-compatible", retry=FAST) as made:
                streamed = await made.ask("chat", {**CHAT, "stream": True})
                whole = await made.ask("chat", CHAT)

                assert (streamed.headers["x-dragoman-provider"], whole.headers["x-dragoman-provider"]) == ("other", "other")
                assert tries(made)[0][3] == "timeout"

    asyncio.run(asyncio.wait_for(main(), 120))


def test_a_target_changes_headers_and_falls_back_on_its_own_statuses() -> None:
    async def main() -> None:
        async with provider(wrong(418, "invalid_request_error")) as one, provider(good(False)) as other:
            more = two(other).replace(
                "{model: up/m-1, priority: 1}",
                "{model: up/m-1, priority: 1, fall_back_on: [418], headers: {X-Team: red, user-agent: null}}",
            )
            async with stand(one.url, more, kind="openai-compatible", retry=FAST) as made:
                told = await made.ask("chat", CHAT)

        assert (told.status, told.headers["x-dragoman-provider"]) == (200, "other")
        assert "x-team: red\r\n" in one.heard[0].head
        assert "user-agent" not in one.heard[0].head

    asyncio.run(asyncio.wait_for(main(), 120))


def test_a_session_stays_with_the_key_that_answered_it() -> None:
    async def then(made: Stand, one: Provider) -> None:
        for _ in range(8):
            await made.ask("chat", CHAT, {"originator": "codex_exec", "user-agent": "codex_exec/0.169.0", "session-id": "s-1"})

        assert len({key_of(heard) for heard in one.heard}) == 1
        assert made.record.decision.sticky is True

    pooled({"ka": good(False), "kb": good(False)}, then)


def test_what_goes_on_from_a_response_that_a_key_keeps_goes_to_that_key() -> None:
    whole = b'{"id":"%s","object":"response","status":"completed","store":true,"model":"gpt-5","output":[]}'

    async def main() -> None:
        keys = {key: answers(200, whole % f"resp_{key}".encode()) for key in ("ka", "kb")}
        async with provider(by_key(keys)) as one:
            pool = f"base_url: '{one.url}', keys: [ka, kb], dialect: responses, relay: ['*']"
            more = f"  pool: {{kind: openai-compatible, {pool}}}\nmodels: {{best: pool/gpt-5}}"
            async with stand(one.url, more, retry=FAST) as made:
                made.runtime = msgspec.structs.replace(made.runtime, draw=Random(3).random)
                first = await made.ask("responses", {"model": "best", "input": "hi", "store": True})
                home = key_of(one.heard[-1])
                for _ in range(8):
                    follow = {"model": "best", "input": "more", "previous_response_id": first.json["id"]}
                    assert (await made.ask("responses", follow)).status == 200

        assert {key_of(heard) for heard in one.heard} == {home}

    asyncio.run(asyncio.wait_for(main(), 120))


def test_a_stream_with_only_its_opening_said_still_falls_back() -> None:
    async def opens(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Heard) -> None:
        writer.write(f"HTTP/1.1 {SSE}\r\ntransfer-encoding: chunked\r\n\r\n".encode())
        opening = chat_chunk({"role": "assistant", "content": ""})
        writer.write(b"%x\r\n%s\r\n" % (len(opening), opening))
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.close()

    async def then(made: Stand, one: Provider, other: Provider) -> None:
        told = await made.ask("messages", {**MESSAGES, "stream": True})

        assert [event["type"] for event in told.events].count("message_start") == 1
        assert told.events[-1]["type"] == "message_stop"

    run(opens, good(True), then, pace=Pace(hold_s=0.02, ping_s=0.02))
