"""A stream of Chat tells its counts only to who asks; the gateway asks for its record, and keeps them from clients that did not."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Coroutine
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand import CHAT_STREAM, SSE, Heard, Stand, Told, chat_chunk, provider, says, stand

from dragoman.core.runtime import Capture
from dragoman.ir.usage import Usage

ASKED: dict[str, Any] = {"model": "up/gpt-5.5", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
COUNTS = CHAT_STREAM[4]
REST = b"".join(piece for piece in CHAT_STREAM if piece is not COUNTS)
USAGE = Usage(input_tokens=5, output_tokens=2, total_tokens=7)


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(main, 120))


def compact(body: dict[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def asks_for(
    options: object, *, settings: str = "", body: dict[str, Any] | None = None
) -> tuple[list[dict[str, Any]], list[bytes], list[Usage | None]]:
    """What the provider was asked, what the client heard and what is on record, for a body written closely and one with blanks."""
    asked = {**ASKED, **({} if options is None else {"stream_options": options}), **(body or {})}
    heard: list[dict[str, Any]] = []
    told: list[bytes] = []
    usages: list[Usage | None] = []

    async def main() -> None:
        async with provider(says(SSE, *CHAT_STREAM)) as up, stand(up.url, settings=f", dialect: chat{settings}") as gateway:
            for raw in (compact(asked), json.dumps(asked, indent=1).encode()):
                told.append((await gateway.ask("chat", raw)).body)
                usages.append(gateway.record.usage)
            heard.extend(each.json for each in up.heard)

    run(main())
    return heard, told, usages


def test_who_does_not_ask_is_not_told_and_yet_on_record() -> None:
    heard, told, usages = asks_for(None)

    assert heard == [{**ASKED, "model": "gpt-5.5", "stream_options": {"include_usage": True}}] * 2
    assert told == [REST] * 2
    assert usages == [USAGE] * 2


@pytest.mark.parametrize("options", [{"include_usage": False}, {"include_obfuscation": False}, {"include_usage": None}, {}])
def test_other_wishes_for_the_stream_are_kept(options: dict[str, Any]) -> None:
    heard, told, _ = asks_for(options)

    assert [each["stream_options"] for each in heard] == [{**options, "include_usage": True}] * 2
    assert told == [REST] * 2


def test_who_asks_gets_the_bytes_of_the_provider() -> None:
    heard, told, usages = asks_for({"include_usage": True})

    assert [each["stream_options"] for each in heard] == [{"include_usage": True}] * 2
    assert told == [b"".join(CHAT_STREAM)] * 2
    assert usages == [USAGE] * 2


def test_options_that_are_none_are_the_providers_to_refuse() -> None:
    heard, _, _ = asks_for("yes")

    assert [each["stream_options"] for each in heard] == ["yes"] * 2


def test_providers_that_do_not_know_the_wish_are_not_asked() -> None:
    heard, told, _ = asks_for(None, settings=", quirks: {stream_usage: false}")

    assert [each.get("stream_options") for each in heard] == [None] * 2
    assert told == [b"".join(CHAT_STREAM)] * 2


def test_answers_that_are_wanted_whole_are_not_asked_for_it() -> None:
    heard, _, _ = asks_for(None, body={"stream": False})

    assert all("stream_options" not in each for each in heard)


def test_what_the_config_sets_counts() -> None:
    async def main() -> None:
        more = "models: {m: {targets: [{model: up/gpt-5.5, params: {stream_options: {include_usage: true}}}]}}"
        async with provider(says(SSE, *CHAT_STREAM)) as up, stand(up.url, more, settings=", dialect: chat") as gateway:
            told = await gateway.ask("chat", {**ASKED, "model": "m"})

            assert up.heard[0].json["stream_options"] == {"include_usage": True}
            assert told.body == b"".join(CHAT_STREAM)

    run(main())


def relayed(pieces: list[bytes], *, close: bool = False) -> tuple[bytes, Stand]:
    found: list[tuple[bytes, Stand]] = []

    async def main() -> None:
        async with provider(says(SSE, *pieces, close=close)) as up, stand(up.url, settings=", dialect: chat") as gateway:
            gateway.runtime = msgspec.structs.replace(gateway.runtime, capture=Capture())
            told = await gateway.ask("chat", ASKED)
            assert told.finished
            found.append((told.body, gateway))

    run(main())
    return found[0]


def cut_up(data: bytes, places: list[int]) -> list[bytes]:
    ends = [0, *sorted({min(place, len(data)) for place in places}), len(data)]
    return [piece for start, end in itertools.pairwise(ends) if (piece := data[start:end])]


@given(st.lists(st.integers(1, 1000), max_size=12), st.sampled_from(["\n", "\r\n"]))
def test_wherever_the_bytes_are_cut_only_the_counts_are_missing(places: list[int], line: str) -> None:
    all_of_it, rest = (each.replace(b"\n", line.encode()) for each in (b"".join(CHAT_STREAM), REST))

    body, gateway = relayed(cut_up(all_of_it, places))

    assert body == rest
    assert gateway.record.usage == USAGE
    bodies = gateway.record.bodies
    assert bodies is not None
    assert b"".join(bodies.client_response or []) == rest
    assert b"".join(bodies.provider_response or []) == all_of_it


def test_counts_are_kept_back_from_a_stream_that_just_closes_behind_them() -> None:
    body, gateway = relayed([*CHAT_STREAM[:4], COUNTS[:-1]])

    assert body == b"".join(CHAT_STREAM[:4])
    assert (gateway.record.error, gateway.record.usage) == (None, USAGE)


def test_counts_beside_words_are_the_providers_own() -> None:
    beside = chat_chunk({}, "stop", {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7})
    stream = [*CHAT_STREAM[:3], beside, b"data: [DONE]\n\n"]

    assert relayed(stream)[0] == b"".join(stream)


def test_a_chunk_without_choices_that_tells_something_else_is_carried() -> None:
    filters = b'data: {"choices":[],"prompt_filter_results":[{"prompt_index":0}],"model":"m-1"}\n\n'
    stream = [filters, *CHAT_STREAM[:4], COUNTS, b"data: [DONE]\n\n"]

    assert relayed(stream)[0] == filters + REST


def test_a_stream_that_breaks_off_in_the_middle_of_the_counts_has_all_that_was_said() -> None:
    body, gateway = relayed([*CHAT_STREAM[:3], COUNTS[:30]], close=True)

    assert body.startswith(b"".join(CHAT_STREAM[:3]))
    assert body.count(b'"error"') == 1
    assert gateway.record.error == "cut"


def test_an_error_behind_the_end_reaches_the_client() -> None:
    error = b'data: {"error":{"message":"it is over","type":"server_error"}}\n\n'
    told = Told()

    async def fails(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Heard) -> None:
        writer.write(f"HTTP/1.1 {SSE}\r\nconnection: close\r\n\r\n".encode() + b"".join(CHAT_STREAM[:4]) + error[:20])
        await told.wrote.wait()
        writer.write(error[20:])
        writer.close()

    async def main() -> None:
        async with provider(fails) as up, stand(up.url, settings=", dialect: chat") as gateway:
            await gateway.into(told, "chat", ASKED)

            assert told.body == b"".join(CHAT_STREAM[:4]) + error
            assert gateway.record.error is not None

    run(main())
