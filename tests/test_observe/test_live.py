"""Listeners hear of what ends while they listen; who is too slow is told so, and nobody waits for anybody."""

from __future__ import annotations

import asyncio
import json

import pytest

from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.record import Attempt, Record
from dragoman.ir.usage import Usage
from dragoman.observe.live import Live

RECORD = Record("ex_1", 12.0, asked="smart", provider="p", model="m", status=200, attempts=[Attempt("p", "m", 0.0)])


def events(data: bytes) -> list[tuple[str, dict[str, object]]]:
    found: list[tuple[str, dict[str, object]]] = []
    for block in data.decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((fields["event"], json.loads(fields["data"])))
    return found


def test_a_listener_is_told_of_what_ends_under_the_journals_names() -> None:
    async def story() -> None:
        live = Live()
        listener = live.listen({})
        live.record(Record("ex_2", 12.0, session="s", status=200, usage=Usage(5, 2, 3), warnings=[("a", "b")], total_s=1.5))

        data = await listener.next(0)

        assert data.startswith(b"event: exchange\nid: ex_2\ndata: {")
        assert events(data) == [
            (
                "exchange",
                {
                    "id": "ex_2", "began_at": 12.0, "client": "-", "user": None, "team": None, "agent": None, "session": "s", "turn": None,
                    "kind": None, "asked": "",
                    "provider": None, "model": None, "lane": None, "stream": False, "status": 200, "error": None, "message": None,
                    "stop_reason": None, "input_tokens": 5, "output_tokens": 2, "cache_read_tokens": 3, "cache_write_tokens": None,
                    "reasoning_tokens": None, "attempts": 0, "warnings": 1, "first_token_s": None, "own_s": None, "total_s": 1.5,
                },
            )
        ]  # fmt: skip

    asyncio.run(story())


FAILED = Record("ex_0", 12.0, provider="p", model="other", team="red", status=429, error="rate_limited")


@pytest.mark.parametrize(
    ("wanted", "heard"),
    [
        ({"model": "m"}, ["ex_1"]),
        ({"model": "neither"}, []),
        ({"model": "m", "status": "200"}, ["ex_1"]),
        ({"model": "m,other"}, ["ex_1", "ex_0"]),
        ({"team": "red"}, ["ex_0"]),
        ({"status": "ok"}, ["ex_1"]),
        ({"status": "failed"}, ["ex_0"]),
        ({"status": "4xx,503"}, ["ex_0"]),
        ({"error": "any"}, ["ex_0"]),
        ({"error": "none"}, ["ex_1"]),
        ({"error": "timeout,rate_limited"}, ["ex_0"]),
        ({"error": "timeout"}, []),
    ],
)
def test_only_what_is_wanted_is_heard(wanted: dict[str, str], heard: list[str]) -> None:
    async def story() -> None:
        live = Live()
        listener = live.listen(wanted)
        live.record(RECORD)
        live.record(FAILED)

        assert [fact["id"] for _, fact in events(await listener.next(0))] == heard

    asyncio.run(story())


@pytest.mark.parametrize("wanted", [{"status": "fail"}, {"error": "rate"}])
def test_what_is_no_value_of_a_filter_is_refused(wanted: dict[str, str]) -> None:
    async def story() -> None:
        live = Live()
        with pytest.raises(GatewayError) as refused:
            live.listen(wanted)

        assert (refused.value.kind, len(live)) == (Kind.INVALID_REQUEST, 0)

    asyncio.run(story())


def test_the_slow_one_is_dropped_with_a_word_and_the_others_hear_on() -> None:
    async def story() -> None:
        live = Live(waiting=2)
        slow, quick = live.listen({}), live.listen({})
        for _ in range(4):
            live.record(RECORD)
            await quick.next(0)

        told = [name for name, _ in events(await slow.next(0))]

        assert (told, slow.is_over, quick.is_over, len(live)) == (["exchange", "exchange", "lost"], True, False, 1)

    asyncio.run(story())


def test_an_open_listener_wakes_when_something_comes() -> None:
    async def story() -> None:
        live = Live()
        listener = live.listen({})
        asyncio.get_running_loop().call_soon(live.record, RECORD)

        assert [name for name, _ in events(await listener.next(60))] == ["exchange"]

    asyncio.run(story())


def test_silence_is_an_empty_answer() -> None:
    async def story() -> None:
        assert await Live().listen({}).next(0) == b""

    asyncio.run(story())


def test_at_the_end_everybody_is_told_and_nobody_new_let_in() -> None:
    async def story() -> None:
        live = Live()
        listener = live.listen({})
        live.close()

        assert events(await listener.next(0)) == [("end", {"end": "the gateway stops"})]
        assert (listener.is_over, len(live)) == (True, 0)
        with pytest.raises(GatewayError) as refused:
            live.listen({})
        assert refused.value.kind is Kind.SHUTTING_DOWN

    asyncio.run(story())


def test_only_so_many_may_listen() -> None:
    async def story() -> None:
        live = Live(most=1)
        listener = live.listen({})
        with pytest.raises(GatewayError) as refused:
            live.listen({})
        live.leave(listener)

        assert refused.value.kind is Kind.OVERLOADED
        assert live.listen({}) is not listener

    asyncio.run(story())


def test_texts_of_others_are_cut() -> None:
    async def story() -> None:
        live = Live()
        listener = live.listen({})
        live.record(Record("ex_3", 0.0, asked="x" * 100_000, message="y" * 100_000))

        assert len(await listener.next(0)) < 2000

    asyncio.run(story())


BEGUN = Record("ex_4", 10.0, client="ada", agent="codex", session="s", asked="smart", stream=True)


def test_a_listener_is_told_of_what_begins_as_far_as_it_is_known() -> None:
    async def story() -> None:
        live = Live()
        all_, of_client = live.listen({}), live.listen({"client": "ada"})
        of_the_end = [live.listen(wanted) for wanted in ({"status": "200"}, {"status": "ok"}, {"status": "failed"}, {"error": "timeout"})]
        live.begin(BEGUN)

        told = {
            "id": "ex_4", "began_at": 10.0, "client": "ada", "user": None, "team": None, "agent": "codex", "session": "s", "turn": None,
            "kind": None, "asked": "smart",
            "provider": None, "model": None, "lane": None, "stream": True, "attempts": 0, "first_token_s": None,
        }  # fmt: skip
        assert events(await all_.next(0)) == events(await of_client.next(0)) == [("begun", told)]
        assert [await each.next(0) for each in of_the_end] == [b""] * 4

    asyncio.run(story())


def test_what_is_under_way_is_known_until_it_ends_with_what_was_found_out_since() -> None:
    live = Live(clock=lambda: 12.5)
    first, second = Record("ex_5", 10.0), Record("ex_6", 12.0)
    live.begin(first)
    live.begin(second)
    second.model = "m"
    seen = [(fact["id"], fact["model"], fact["running_s"]) for fact in live.running()]
    live.record(first)

    assert seen == [("ex_6", "m", 0.5), ("ex_5", None, 2.5)]
    assert [fact["id"] for fact in live.running()] == ["ex_6"]
    assert [fact["id"] for fact in Live().running()] == []


def test_of_what_is_under_way_only_so_much_is_told() -> None:
    live = Live()
    for number in range(5):
        live.begin(Record(f"ex_{number}", 0.0))

    assert [fact["id"] for fact in live.running(2)] == ["ex_4", "ex_3"]


def test_what_has_just_ended_is_known_for_a_moment() -> None:
    now = [10.0]
    live = Live(clock=lambda: now[0])
    record = Record("ex_7", 5.0, total_s=4.0)
    live.begin(record)
    running = live.find("ex_7")
    live.record(record)
    lately = live.find("ex_7")
    now[0] = 60.0

    assert (running or {})["ended"] is False
    assert lately == {"id": "ex_7", "ended": True}
    assert (live.find("ex_7"), live.find("ex_8")) == (None, None)


def test_what_never_began_is_not_remembered() -> None:
    live = Live(clock=lambda: 0.0)
    live.record(Record("ex_9", 0.0, status=401))

    assert live.find("ex_9") is None
