"""What is asked of the database about exchanges, their sums and their sessions: on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import random
import threading
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dragoman.app.asking import Asking
from dragoman.config.journal_schema import Journal as Settings
from dragoman.core.completion import Completion
from dragoman.ir.errors import GatewayError
from dragoman.ir.record import Attempt, Bodies, Record
from dragoman.ir.usage import Usage
from dragoman.observe.journal import Journal, Priced
from dragoman.store.faults import StoreSlow
from dragoman.store.open import Store, open_store

HOUR = 3600
NOW = 1_795_000_000.0 - 1_795_000_000.0 % HOUR + 1234.5
"""Somewhere within an hour."""


def record(number: int, **more: Any) -> Record:
    answered = Attempt("up", "m", 0.0, "k", 0.1, 0.4, 1.0, 200, usage=Usage(100, 10, 40))
    whose: dict[str, Any] = {"client": "ada", "agent": "codex", "session": "s1", "turn": "t1", "dialect": "chat", "asked": "fast"}
    where: dict[str, Any] = {"provider": "up", "model": "m", "lane": "relay", "status": 200, "stream": True, "attempts": [answered]}
    times: dict[str, Any] = {"total_s": 1.0, "own_s": 0.001, "first_token_s": 0.5, "generation_s": 0.5, "usage": answered.usage}
    return Record(f"ex_{number:06}", NOW - 60 * number, **{**whose, **where, **times, **more})


def price(record: Record) -> Priced | None:
    if record.usage is None or record.model == "unpriced":
        return None
    pico = record.usage.input_tokens * 1_000_000
    return Priced(pico, {"input": pico}, (None,) * (len(record.attempts) - 1) + (pico,))


def kept(url: str, folder: Path, *records: Record) -> Store:
    journal = Journal(lambda: open_store(url), Settings(flush_s=0.01), folder, price=price, complete=Completion().complete)
    journal.start()
    for each in records:
        journal.put(each)
    journal.close_now(60)
    assert (journal.stats().written, journal.stats().lost) == (len(records), 0)
    return open_store(url)


def ask(store: Store, what: str, *given: Any, **more: Any) -> Any:
    async def answer() -> Any:
        return await getattr(Asking(lambda: store, clock=lambda: NOW + 1), what)(*given, **more)

    return asyncio.run(answer())


def ids(found: Mapping[str, Any]) -> list[str]:
    return [row["id"] for row in found["exchanges"]]


def test_pages_are_newest_first_and_go_on_where_they_ended(url: str, tmp_path: Path) -> None:
    store = kept(url, tmp_path / "spool", *[record(number) for number in range(25)])

    first = ask(store, "exchanges", {"limit": "10"})
    second = ask(store, "exchanges", {"limit": "10", "cursor": first["next"]})
    third = ask(store, "exchanges", {"limit": "10", "cursor": second["next"]})

    assert ids(first) + ids(second) + ids(third) == [f"ex_{number:06}" for number in range(25)]
    assert third["next"] is None


@pytest.mark.parametrize(
    ("given", "numbers"),
    [
        ({"model": "other"}, [1]),
        ({"model": "m,other"}, [0, 1, 2, 3, 4]),
        ({"provider": "elsewhere"}, [2]),
        ({"key": "bob"}, [3]),
        ({"team": "red"}, [3]),
        ({"user": "bob@example.com"}, [3]),
        ({"session": "s2"}, [4]),
        ({"status": "4xx"}, [2]),
        ({"status": "429"}, [2]),
        ({"status": "failed"}, [2]),
        ({"error": "rate_limited"}, [2]),
        ({"error": "any"}, [2]),
        ({"error": "none", "key": "ada"}, [0, 1, 4]),
        ({"min_cost_usd": "0.01"}, [1]),
        ({"min_total_s": "2", "max_total_s": "4"}, [4]),
        ({"since": "90s"}, [0, 1]),
        ({"until": str(NOW - 3 * 60)}, [4]),
        ({"since": str(NOW - 3 * 60), "until": str(NOW - 60)}, [2, 3]),
    ],
)
def test_exchanges_are_found_by_what_they_are(given: dict[str, str], numbers: list[int], url: str, tmp_path: Path) -> None:
    store = kept(
        url,
        tmp_path / "spool",
        record(0),
        record(1, model="other", usage=Usage(20_000, 1)),
        record(2, provider="elsewhere", status=429, error="rate_limited"),
        record(3, client="bob", team="red", user="bob@example.com"),
        record(4, session="s2", total_s=3.0),
    )

    assert ids(ask(store, "exchanges", given)) == [f"ex_{number:06}" for number in numbers]


def test_an_exchange_is_told_those_beside_it_in_its_session(url: str, tmp_path: Path) -> None:
    others = record(9, session="s2"), record(8, session=None)
    at_once = msgspec.structs.replace(record(3), began_at=record(2).began_at)
    store = kept(url, tmp_path / "spool", *[record(number) for number in (1, 2, 4)], at_once, *others)
    names = [f"ex_{number:06}" for number in (4, 2, 3, 1)]

    rows = {row["id"]: row for row in ask(store, "exchanges", {})["exchanges"]}
    told = [ask(store, "beside", rows[name]) for name in (*names, "ex_000009", "ex_000008")]

    assert told == [(None, names[1]), (names[0], names[2]), (names[1], names[3]), (names[2], None), (None, None), (None, None)]


def test_words_are_found_where_they_were_new(url: str, tmp_path: Path) -> None:
    def asked(*texts: str) -> Bodies:
        body = {"model": "m", "messages": [{"role": "user", "content": text} for text in texts]}
        return Bodies("redacted", json.dumps(body).encode(), [b'{"choices":[]}'])

    settings = Settings(flush_s=0.01)
    journal = Journal(lambda: open_store(url), settings, tmp_path / "spool")
    journal.start()
    journal.put(record(2, bodies=asked("rename the giraffe")))
    journal.put(record(1, bodies=asked("rename the giraffe", "and feed the zebra")))
    journal.close_now(60)
    store = open_store(url)
    writer = store.writer()
    while writer.index(100):
        pass
    writer.close()

    assert ids(ask(store, "exchanges", {"text": "zebra"})) == ["ex_000001"]
    assert "ex_000002" in ids(ask(store, "exchanges", {"text": "giraffe"}))
    assert ids(ask(store, "exchanges", {"text": "lion"})) == []


def test_one_exchange_is_told_with_all_that_belongs_to_it(url: str, tmp_path: Path) -> None:
    request: dict[str, Any] = {"model": "fast", "messages": [{"role": "user", "content": "hi"}]}
    call = {"id": "c1", "type": "function", "function": {"name": "run", "arguments": '{"cmd":"git status"}'}}
    answer: dict[str, Any] = {
        "choices": [{"index": 0, "message": {"role": "assistant", "tool_calls": [call]}, "finish_reason": "tool_calls"}]
    }
    bodies = Bodies(
        "redacted",
        json.dumps(request).encode(),
        [json.dumps(answer).encode()],
        client_request_headers=(("authorization", "Bearer sk-secret"), ("user-agent", "x")),
    )
    result = {"role": "tool", "tool_call_id": "c1", "content": "x" * 400}
    conversation = [*request["messages"], answer["choices"][0]["message"], result]
    further = Bodies("redacted", json.dumps({**request, "messages": conversation}).encode(), [b"{}"])
    tries = [Attempt("a", "m", 0.0, ended_s=0.2, status=500, error="server_error"), *record(0).attempts]
    store = kept(
        url, tmp_path / "spool", record(2, bodies=bodies, attempts=tries, waited_s=0.25, stop_reason="stop"), record(1, bodies=further)
    )

    found = ask(store, "exchange", "ex_000002", bodies=True)

    assert [(one["number"], one["provider"], one["error"]) for one in found["attempts"]] == [(1, "a", "server_error"), (2, "up", None)]
    assert [
        (one["name"], one["command"], one["arguments_bytes"], one["result_tokens"], one["result_exchange_id"]) for one in found["tools"]
    ] == [("run", "git status", 20, 100, "ex_000001")]
    assert (found["cost_usd"], found["waited_s"], found["stop_reason"], found["tool_calls"]) == (0.0001, 0.25, "tool_calls", 1)
    assert json.loads(found["bodies"]["client_request"]["text"]) == request
    assert "sk-secret" not in json.dumps(found)
    assert ask(store, "exchange", "ex_000002")["id"] == ask(store, "exchange", "ex_000002"[:9])["id"]


@pytest.mark.parametrize(("mode", "kept_key"), [("redacted", False), ("full", True)])
def test_no_secret_stays_in_the_arguments_of_a_tool(mode: str, kept_key: bool, url: str, tmp_path: Path) -> None:
    key = "sk-proj-" + "a1B2" * 12
    call = {"id": "c1", "function": {"name": "run", "arguments": json.dumps({"cmd": f"curl -H 'Authorization: Bearer {key}' x"})}}
    answer = json.dumps({"choices": [{"index": 0, "message": {"tool_calls": [call]}}]}).encode()
    store = kept(url, tmp_path / "spool", record(1, bodies=Bodies(mode, b"{}", [answer])))

    found = ask(store, "exchange", "ex_000001")["tools"][0]

    assert (key in found["arguments"]) is kept_key
    assert found["arguments"].startswith('{"cmd": "curl')


def test_the_beginning_of_an_id_is_enough_unless_several_begin_so(url: str, tmp_path: Path) -> None:
    store = kept(url, tmp_path / "spool", record(1), record(2), record(10, session="s2"))

    assert ask(store, "exchange", "ex_00001")["id"] == "ex_000010"
    assert ask(store, "session", "s2")["id"] == "s2"
    with pytest.raises(GatewayError, match="more than one exchange begins with `ex_00000`, as `ex_000001` and `ex_000002`: write more of"):
        ask(store, "exchange", "ex_00000")
    with pytest.raises(GatewayError, match="more than one session begins with `s`"):
        ask(store, "session", "s")


@pytest.mark.parametrize("name", ["ex_9", "", "%", "nothing"])
def test_what_is_not_there_is_said(name: str, url: str, tmp_path: Path) -> None:
    store = kept(url, tmp_path / "spool", record(1), record(2))

    with pytest.raises(GatewayError) as refused:
        ask(store, "exchange", name)

    assert refused.value.kind.value == "not_found"


def test_usage_is_the_sum_of_its_exchanges_whatever_it_is_grouped_by(url: str, tmp_path: Path) -> None:
    draw = random.Random(7)
    records = [
        record(
            number,
            client=draw.choice(["ada", "bob"]),
            model=draw.choice(["m", "n", "unpriced"]),
            error=draw.choice([None, None, "cut"]),
            kind=draw.choice([None, "turn"]),
            usage=Usage(draw.randrange(1000), draw.randrange(100), draw.randrange(10)),
            total_s=draw.random(),
            first_token_s=draw.choice([None, 0.25]),
        )
        for number in range(300)
    ]
    store = kept(url, tmp_path / "spool", *records)
    since = NOW - 200 * 60

    for given in (
        {"by": "model"},
        {"by": "client,model", "period": "hour"},
        {"by": "outcome", "period": "day", "utc_offset_s": "7200"},
        {"by": "kind"},
        {"by": "lane,model", "period": "week"},
        {"period": "hour"},
        {},
    ):
        found = ask(store, "usage", {**given, "since": str(since)})
        wanted = [each for each in records if each.began_at >= since]

        sums = {
            name: sum(row[name] for row in found["usage"]) for name in ("exchanges", "failed", "input_tokens", "cost_pico", "first_tokens")
        }
        assert sums == {
            "exchanges": len(wanted),
            "failed": sum(each.error is not None for each in wanted),
            "input_tokens": sum(each.usage.input_tokens for each in wanted if each.usage),
            "cost_pico": sum((price(each) or Priced()).pico or 0 for each in wanted),
            "first_tokens": sum(each.first_token_s is not None for each in wanted),
        }
        assert math.isclose(found["total"]["total_s"], sum(each.total_s for each in wanted))
        assert {name: found["total"][name] for name in sums} == sums


def test_usage_over_time_stands_in_periods_of_local_time(url: str, tmp_path: Path) -> None:
    store = kept(url, tmp_path / "spool", record(0), record(60 * 23), record(60 * 24))

    found = ask(store, "usage", {"period": "day", "utc_offset_s": "3600"})["usage"]

    local = NOW + 3600
    days = sorted(
        {
            local - local % 86_400 - 3600,
            local - 23 * HOUR - (local - 23 * HOUR) % 86_400 - 3600,
            local - 24 * HOUR - (local - 24 * HOUR) % 86_400 - 3600,
        }
    )
    assert [row["period_at"] for row in found] == days
    assert sum(row["exchanges"] for row in found) == 3


def test_of_those_that_failed_the_ones_that_their_clients_left_are_counted(url: str, tmp_path: Path) -> None:
    left = [record(number, model="m1", error="client_gone", status=499) for number in (1, 70, 140)]
    store = kept(url, tmp_path / "spool", *left, record(2, model="m2", error="timeout", status=504), record(3, model="m1"))

    by_model = ask(store, "usage", {"by": "model"})
    lately, failed, timed_out, of_status, answered = (
        ask(store, "usage", given)["total"]
        for given in ({"since": "1h"}, {"status": "failed"}, {"error": "timeout"}, {"status": "499,504"}, {"status": "ok"})
    )

    told = [{row["model"]: (row["exchanges"], row["failed"], row["left"]) for row in by_model["usage"]}]
    told += [
        (total["exchanges"], total["failed"], total["left"])
        for total in (by_model["total"], lately, failed, timed_out, of_status, answered)
    ]
    assert told == [{"m1": (4, 3, 3), "m2": (1, 1, 0)}, (5, 4, 3), (3, 2, 1), (4, 4, 3), (1, 1, 0), (4, 4, 3), (1, 0, 0)]


def test_percentiles_are_values_that_were_measured(url: str, tmp_path: Path) -> None:
    slow = [record(number, model="slow", total_s=float(number)) for number in range(1, 101)]
    store = kept(url, tmp_path / "spool", *slow, record(200, total_s=0.5, first_token_s=None))

    found = ask(store, "usage", {"by": "model", "percentiles": "total_s,first_token_s"})["usage"]

    whole = ask(store, "usage", {"percentiles": "total_s"})["usage"]
    daily = ask(store, "usage", {"period": "hour", "percentiles": "own_s"})["usage"]

    ranks = {row["model"]: row["percentiles"] for row in found}
    assert [row["percentiles"]["total_s"]["count"] for row in whole] == [101]
    assert [row["percentiles"]["own_s"] for row in daily] == [
        {"p50": 0.001, "p90": 0.001, "p95": 0.001, "p99": 0.001, "count": row["exchanges"]} for row in daily
    ]
    assert ranks["slow"]["total_s"] == {"p50": 50.0, "p90": 90.0, "p95": 95.0, "p99": 99.0, "count": 100}
    assert ranks["m"] == {"total_s": {"p50": 0.5, "p90": 0.5, "p95": 0.5, "p99": 0.5, "count": 1}, "first_token_s": None}


def test_percentiles_of_many_groups_are_theirs_too(url: str, tmp_path: Path) -> None:
    store = kept(url, tmp_path / "spool", *[record(number, client=f"c{number}", total_s=number + 0.5) for number in range(30)])

    found = ask(store, "usage", {"by": "client", "percentiles": "total_s"})["usage"]

    assert {row["client"]: row["percentiles"]["total_s"]["p50"] for row in found} == {f"c{number}": number + 0.5 for number in range(30)}


def test_a_session_is_told_as_a_tree(url: str, tmp_path: Path) -> None:
    store = kept(
        url,
        tmp_path / "spool",
        record(5, turn="t1"),
        record(4, turn="t1", usage=Usage(300, 30, 260)),
        record(3, turn="t2", error="cut", status=200),
        record(2, session="s1a", parent_session="s1", kind="review", turn="t9"),
        record(1, session="else"),
    )

    tree = ask(store, "session", "s1")
    listed = {row["id"]: row for row in ask(store, "sessions", {})["sessions"]}

    assert [(turn["id"], turn["sums"]["exchanges"]) for turn in tree["turns"]] == [("t1", 2), ("t2", 1)]
    assert [agent["id"] for agent in tree["agents"]] == ["s1a"]
    assert (tree["own"]["exchanges"], tree["sums"]["exchanges"], tree["sums"]["input_tokens"]) == (3, 4, 600)
    assert tree["sums"]["cache_hit_rate"] == (40 + 260 + 40 + 40) / 600
    assert [one["number"] for one in tree["turns"][0]["exchanges"][0]["tries"]] == [1]
    assert {name: listed[name]["exchanges"] for name in listed} == {"s1": 3, "s1a": 1, "else": 1}
    assert listed["s1"]["input_tokens"] == tree["own"]["input_tokens"]
    assert [row["id"] for row in ask(store, "sessions", {"parent": "s1"})["sessions"]] == ["s1a"]


def test_a_database_that_is_away_is_said_so(tmp_path: Path) -> None:
    store = kept(f"sqlite:///{tmp_path}/journal.db", tmp_path / "spool", record(1))
    store.close()
    (tmp_path / "journal.db").unlink()
    (tmp_path / "journal.db").mkdir()

    with pytest.raises(GatewayError) as refused:
        ask(store, "exchanges", {})

    assert refused.value.status == 503


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def test_a_question_that_takes_too_long_is_ended_and_the_next_one_is_answered(url: str, tmp_path: Path) -> None:
    store = kept(url, tmp_path / "spool", record(0))

    with pytest.raises(StoreSlow, match=r"a question took more than 0\.05 s"), store.reader(limit_s=0.05) as connection:
        connection.exec_driver_sql(ENDLESS)

    assert ids(ask(store, "exchanges", {})) == ["ex_000000"]


def test_a_question_that_nobody_waits_for_is_ended(tmp_path: Path) -> None:
    store = kept(f"sqlite:///{tmp_path}/journal.db", tmp_path / "spool", record(0))

    with pytest.raises(StoreSlow), store.reader(60.0, lambda: True) as connection:
        connection.exec_driver_sql(ENDLESS)


class Slow:
    """A database whose questions last until nobody waits for them."""

    def __init__(self) -> None:
        self.is_asked, self.has_ended = threading.Event(), threading.Event()

    @contextlib.contextmanager
    def reader(self, limit_s: float, is_left: Callable[[], bool]) -> Generator[None]:
        self.is_asked.set()
        while not is_left():
            time.sleep(0.001)
        self.has_ended.set()
        raise StoreSlow("it took long")
        yield

    def close(self) -> None:
        """There is nothing to give back."""


def test_who_leaves_ends_the_question() -> None:
    async def story() -> None:
        database = Slow()
        waiting = asyncio.ensure_future(Asking(lambda: database).exchanges({}))
        await asyncio.to_thread(database.is_asked.wait)
        waiting.cancel()

        assert await asyncio.to_thread(database.has_ended.wait, 60)

    asyncio.run(story())


def test_a_gateway_that_stops_ends_questions_with_a_sentence() -> None:
    async def story() -> None:
        database = Slow()
        asking = Asking(lambda: database)
        waiting = asyncio.ensure_future(asking.exchanges({}))
        await asyncio.to_thread(database.is_asked.wait)
        asking.close()
        with pytest.raises(GatewayError) as told:
            await waiting

        assert (told.value.kind.value, told.value.honest_status) == ("timeout", 504)
        assert told.value.message.startswith("the database did not answer this within 20 s; ask for less")

    asyncio.run(story())
