"""An exchange in a distributed trace: it joins its caller's, and each provider is told of the try that asks it."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from stand import PLAIN, Heard, answers, provider, stand

from dragoman.observe.tracing import Tracing

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CALLER = {**PLAIN, "traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "a=1"}
ASKED = {"model": "up/m-1", "messages": [{"role": "user", "content": "hi"}]}
ANSWER = (
    b'{"id":"x","object":"chat.completion","model":"m-1",'
    b'"choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}'
)
FAILED = answers(500, b'{"error":{"message":"no"}}')


def sent(heard: Heard) -> dict[str, str]:
    lines = [line.partition(": ") for line in heard.head.split("\r\n")[1:]]
    return {name: value for name, _, value in lines if name.startswith("trace")}


def exchange(tracing: Tracing | None, headers: dict[str, str], *, fails: int = 0) -> tuple[list[dict[str, str]], Any]:
    async def run() -> tuple[list[dict[str, str]], Any]:
        async def script(reader: Any, writer: Any, heard: Heard) -> None:
            await (FAILED if len(up.heard) <= fails else answers(200, ANSWER))(reader, writer, heard)

        retry = "{attempts: 3, backoff_s: 0.001}"
        async with provider(script) as up, stand(up.url, kind="openai-compatible", retry=retry) as gateway:
            gateway.runtime = msgspec.structs.replace(gateway.runtime, tracing=tracing)
            await gateway.ask("chat", ASKED, headers)
            return [sent(heard) for heard in up.heard], gateway.record

    return asyncio.run(run())


def counting() -> Tracing:
    numbers = iter(range(1, 100))
    return Tracing(bits=lambda count: next(numbers), draw=lambda: 0.0)


def test_the_provider_is_told_of_the_try_that_asks_it() -> None:
    told, record = exchange(counting(), CALLER, fails=1)

    assert told == [
        {"traceparent": f"00-{TRACE}-{2:016x}-01", "tracestate": "a=1"},
        {"traceparent": f"00-{TRACE}-{3:016x}-01", "tracestate": "a=1"},
    ]
    assert (record.trace.trace_id, record.trace.parent_id, record.trace.span_id) == (TRACE, SPAN, f"{1:016x}")
    assert [attempt.span_id for attempt in record.attempts] == [f"{2:016x}", f"{3:016x}"]
    assert record.path == "/v1/chat/completions"


def test_without_traces_nothing_is_added_or_handed_on() -> None:
    told, record = exchange(None, CALLER)

    assert (told, record.trace) == ([{}], None)


def test_a_caller_without_a_trace_begins_one() -> None:
    told, record = exchange(counting(), PLAIN)

    assert told == [{"traceparent": f"00-{2:032x}-{3:016x}-01"}]
    assert record.trace.parent_id is None
