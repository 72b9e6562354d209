"""Whatever was asked and whatever it cost: the sums of each level are those of its parts."""

from __future__ import annotations

import asyncio
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import to_builtins

from dragoman.app.asking import Asking
from dragoman.app.costs import counting, price_by
from dragoman.app.pricing import record_price
from dragoman.config.journal_schema import Journal as Settings
from dragoman.config.price_schema import ModelPrice
from dragoman.ir.record import Attempt, Record, sum_up
from dragoman.ir.usage import Usage
from dragoman.observe.journal import Journal
from dragoman.observe.tally import Tally
from dragoman.policy.book import PriceBook
from dragoman.policy.price import Steps
from dragoman.store.open import open_store
from effort import tries

BEGAN = 1_795_000_000.0
BOOK = PriceBook(
    {
        "a/*": ModelPrice(input=0.1, cache_read=0.01, output=0.333333, reasoning=0.7, discount=0.123),
        "b/*": ModelPrice(input=5.0, output=30.0, request=0.01),
    },
    {"a": None, "b": None, "unknown": None},
)
TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
GROUPINGS = ("client", "model", "provider", "session", "turn", "outcome", "kind", "client,provider,model", "agent", "lane", "status")


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    given, made = draw(st.integers(0, 10**6)), draw(st.integers(0, 10**5))
    read, thought = draw(st.none() | st.integers(0, given)), draw(st.none() | st.integers(0, made))
    return Usage(given, made, read, draw(st.none() | st.integers(0, given - (read or 0))), thought)


@st.composite
def attempts(draw: st.DrawFn) -> Attempt:
    provider = draw(st.sampled_from(["a", "a", "b", "b", "unknown"]))
    error = draw(st.sampled_from([None, None, "cut", "rate_limited"]))
    return Attempt(provider, draw(st.sampled_from(["m", "n"])), 0.0, ended_s=0.5, error=error, usage=draw(st.none() | usages()))


@st.composite
def conversations(draw: st.DrawFn) -> list[Record]:
    """Exchanges over some hours, most of them of a few sessions, the second of which is a sub-agent's of the first."""
    records: list[Record] = []
    for number in range(draw(st.integers(1, 12))):
        tried = draw(st.lists(attempts(), max_size=3))
        session = draw(st.sampled_from(["s1", "s1", "s2", None]))
        made = Record(
            f"ex_{number:02}",
            BEGAN + number * draw(st.sampled_from([1, 3600])),
            client=draw(st.sampled_from(["ada", "bob"])),
            agent=draw(st.sampled_from(["codex", None])),
            session=session,
            parent_session="s1" if session == "s2" else None,
            turn=draw(st.sampled_from(["t1", "t2", None])),
            error=draw(st.sampled_from([None, None, "cut"])),
            status=200,
            total_s=1.0,
        )
        made.attempts = tried
        if tried:
            made.provider, made.model, made.usage = tried[-1].provider, tried[-1].model, tried[-1].usage
        sum_up(made)
        records.append(made)
    return records


def kept(records: list[Record], folder: Path) -> Asking:
    url = f"sqlite:///{folder / 'journal.db'}"
    journal = Journal(lambda: open_store(url), Settings(flush_s=0.01, search=False), folder, price=record_price(BOOK))
    for each in records:
        journal.put(each)
    journal.start()
    journal.close_now(30)
    return Asking(lambda: open_store(url), clock=lambda: BEGAN + 10**6)


def total(rows: list[dict[str, Any]], name: str) -> int:
    return sum(row[name] or 0 for row in rows)


async def check(asking: Asking, count: int) -> None:
    names = [f"ex_{number:02}" for number in range(count)]
    exchanges = [await asking.exchange(name) for name in names]
    for exchange in exchanges:
        tries = exchange["attempts"]
        told = [each for each in tries if each["input_tokens"] is not None]
        # An exchange is as dear as its attempts; if one of those that told tokens has no price, nobody knows what all of it costs.
        costs = [each["cost_pico"] for each in told]
        assert exchange["cost_pico"] == (sum(costs) if costs and None not in costs else None)
        assert total(told, "input_tokens") == (exchange["input_tokens"] or 0)
        assert total(told, "output_tokens") == (exchange["output_tokens"] or 0)
        if exchange["cost_pico"] is not None:
            parts: dict[str, int] = exchange["cost_parts"] or {}
            assert sum(parts.values()) == exchange["cost_pico"]
    sums = ("cost_pico", *TOKENS)
    for by in GROUPINGS:
        for period in ("", "hour", "day"):
            told = await asking.usage({"by": by, **({"period": period} if period else {})})
            for name in sums:
                assert total(told["usage"], name) == told["total"][name] == total(exchanges, name), (by, period, name)
            assert total(told["usage"], "exchanges") == count
            first = await asking.usage({"by": by, "limit": "1", **({"period": period} if period else {})})
            assert first == {**told, "usage": told["usage"][:1]}
            assert told["groups"] == len(told["usage"])
    for session in {exchange["session"] for exchange in exchanges if exchange["session"]}:
        await check_session(asking, session, [exchange for exchange in exchanges if exchange["session"] == session])


async def check_session(asking: Asking, name: str, own: list[dict[str, Any]]) -> None:
    tree = await asking.session(name)
    listed = next(row for row in (await asking.sessions({}))["sessions"] if row["id"] == name)
    for part in ("cost_pico", "input_tokens", "output_tokens"):
        assert tree["own"][part] == listed[part] == total(own, part) == sum(turn["sums"][part] for turn in tree["turns"])
        assert tree["sums"][part] == tree["own"][part] + sum(agent["sums"][part] for agent in tree["agents"])
        for turn in tree["turns"]:
            assert turn["sums"][part] == total(turn["exchanges"], part)


@pytest.mark.long
@settings(max_examples=tries(5))
@given(conversations())
def test_sums_of_every_level_are_those_of_its_parts(records: list[Record]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asking = kept(records, Path(folder))
        try:
            asyncio.run(check(asking, len(records)))
        finally:
            asking.close()


@settings(max_examples=tries(30))
@given(conversations())
def test_parts_of_a_cost_come_to_the_cost_and_lose_nothing_but_fractions(records: list[Record]) -> None:
    price = record_price(BOOK)
    for record in records:
        found = price(record)
        if found is not None and found.pico is not None:
            parts = to_builtins(found.parts)
            assert found.pico == sum(parts.values()) == sum(pico or 0 for pico in found.attempts)
            assert all(type(pico) is int for pico in parts.values())


@settings(max_examples=tries(60))
@given(conversations())
def test_a_run_costs_what_its_attempts_cost(records: list[Record]) -> None:
    counted, price = Tally(count=counting(Steps())), record_price(BOOK)
    for record in records:
        record.run = "r"
        counted.record(record)

    found = price_by(BOOK)(counted.run("r") or {})

    each = [(attempt, pico) for record in records for attempt, pico in zip(record.attempts, _picos(price(record)), strict=True)]
    told = [pico for attempt, pico in each if attempt.usage is not None]
    assert abs(found["known_cost_usd"] - sum(pico or 0 for pico in told) / 1e12) <= 2e-8
    assert (found["cost_usd"] is None) == (None in told or found["uncounted"] > 0)
    assert sum(part["requests"] for part in found["spent"]) == len(told)


def _picos(found: Any) -> tuple[int | None, ...]:
    return () if found is None else found.attempts


def test_one_token_of_a_discounted_price_is_rounded_to_the_last_place_only() -> None:
    record = Record("a", BEGAN, attempts=[Attempt("a", "m", 0.0, usage=Usage(0, 1))])

    found = record_price(BOOK)(record)

    # 0.333333 less 12.3 % per million tokens.
    assert found is not None
    assert abs(Decimal(to_builtins(found.parts)["output"]) - Decimal("0.333333") * Decimal("0.877") * 10**6) <= Decimal("0.5")
