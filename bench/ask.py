"""How long the journal takes to answer over a million exchanges: `python -m bench.ask`. The records are made up, the rest is as it runs.

The database (750 MB) is made in a folder of its own, kept there when one is named, and used again.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import random
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dragoman.app.asking import Asking
from dragoman.observe.queries import write_cursor
from dragoman.store import tables
from dragoman.store.batch import PER_S
from dragoman.store.open import Store, open_store
from dragoman.store.writer import columns

NOW = 1_795_000_000.0
DAYS = 90
SHARES = (
    ("openai", "gpt-5.5"),
    ("openai", "gpt-5.4-mini"),
    ("anthropic", "claude-sonnet-4.5"),
    ("gemini", "gemini-2.5-pro"),
    ("groq", "gpt-oss-120b"),
)
CLIENTS = 40
ROUNDS = 3
AT_ONCE = 8000
AIM_S = 1.0

QUESTIONS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("the latest 50", "exchanges", {}),
    ("the latest 50 of a model that failed", "exchanges", {"model": "gpt-5.5", "error": "rate_limited"}),
    ("a session's", "exchanges", {"session": "s1000"}),
    ("a person's, of a month ago", "exchanges", {"user": "dev-7@example.com", "until": "30d"}),
    ("those over 60 s", "exchanges", {"min_total_s": "60"}),
    ("those that nobody made", "exchanges", {"user": "nobody"}),
    ("usage by model, all days", "usage", {"by": "model"}),
    ("usage by model, 7 days", "usage", {"by": "model", "since": "7d"}),
    ("usage by client and day, 30 days", "usage", {"by": "client", "period": "day", "since": "30d"}),
    ("usage by agent and outcome, all days", "usage", {"by": "agent,outcome"}),
    ("usage by rule, 7 days", "usage", {"by": "rule", "since": "7d"}),
    ("percentiles by model, 7 days", "usage", {"by": "model", "since": "7d", "percentiles": "total_s,first_token_s"}),
    ("percentiles by model, all days", "usage", {"by": "model", "percentiles": "total_s"}),
    ("usage by session, all days", "usage", {"by": "session"}),
    ("usage by session and day, a person, all days", "usage", {"by": "session", "period": "day", "user": "dev-7@example.com"}),
    ("usage by rule and status, all days", "usage", {"by": "rule,status"}),
    ("usage by run, 30 days, of those that failed", "usage", {"by": "run", "since": "30d", "status": "failed"}),
    ("usage by kind of error, a person", "usage", {"by": "outcome", "user": "dev-7@example.com"}),
    ("usage by user and hour, all days", "usage", {"by": "user", "period": "hour"}),
    ("usage of those over 60 s, by session", "usage", {"by": "session", "min_total_s": "60"}),
    ("usage of those that cost most, by model", "usage", {"by": "model", "min_cost_usd": "0.99"}),
    ("percentiles by session, 7 days", "usage", {"by": "session", "since": "7d", "percentiles": "total_s"}),
    ("percentiles by session, all days", "usage", {"by": "session", "percentiles": "total_s"}),
    ("percentiles by provider's key, all days", "usage", {"by": "provider_key", "percentiles": "total_s,first_token_s"}),
    ("percentiles of our own time by model, all days", "usage", {"by": "model", "percentiles": "own_s"}),
    ("those of a rule that never was", "exchanges", {"rule": "never"}),
    ("those of a turn", "exchanges", {"turn": "t100"}),
    ("a page far down", "exchanges", {"cursor": write_cursor(NOW - 80 * 86_400, "ex_"), "model": "gpt-5.5"}),
    ("a person's, far down", "exchanges", {"cursor": write_cursor(NOW - 80 * 86_400, "ex_"), "user": "dev-7@example.com"}),
    ("the first of an export", "exchanges", {"limit": "1000"}),
    ("the sessions used last", "sessions", {}),
    ("the sessions of a key", "sessions", {"client": "dev-7", "limit": "200"}),
    ("the sessions of a month ago", "sessions", {"until": "30d"}),
)


def rows(count: int) -> Iterator[tuple[Any, ...]]:
    """Exchanges of as many agents over 90 days, 40 to a session."""
    draw = random.Random(1)
    names = columns(tables.exchanges)
    blank: dict[str, Any] = dict.fromkeys(names)
    decision = '{"model":"fast","found":"virtual","strategy":"weighted","places":[{"seat":"openai/gpt-5.5@main","why":"weight 80 of 100"}]}'
    for number in range(count):
        at = NOW - DAYS * 86_400 + number * DAYS * 86_400 / count
        session = number // 40
        client = f"dev-{session % CLIENTS}"
        provider, model = SHARES[session % len(SHARES)]
        failed = draw.random() < 0.02
        total_s = math.exp(draw.gauss(1.2, 0.8))
        told = {
            "id": f"ex_{int(at * 1000):012x}{draw.getrandbits(80):020x}", "began_at": at, "session": f"s{session}",
            "turn": f"t{number // 8}",
            "client": client, "team": f"team-{session % 5}", "user": f"{client}@example.com", "address": "127.0.0.1", "agent": "codex",
            "agent_version": "0.169.0", "dialect_in": "responses", "dialect_out": "responses", "lane": "relay", "asked": "fast",
            "routed": "fast", "decision": decision, "provider": provider, "model": model, "provider_key": "main", "answered": model,
            "stream": True, "status": 429 if failed else 200, "error": "rate_limited" if failed else None, "stop_reason": "stop",
            "input_tokens": draw.randrange(1000, 200_000), "output_tokens": draw.randrange(10, 3000), "cache_read_tokens": 900,
            "cost_pico": draw.randrange(10**12), "cost_parts": '{"input":12345678,"output":12345}', "attempts": 1, "tool_calls": 1,
            "connect_s": 0.01, "upstream_first_byte_s": 0.3, "first_token_s": total_s / 3, "generation_s": total_s * 2 / 3, "own_s": 0.0004,
            "total_s": total_s, "bytes_in": 60_000, "bytes_out": 5000, "bodies": "redacted",
            "tries": f'[["{provider}","{model}","main",0.0004,0.0104,0.3,{total_s},200,null,100000,1000,12345678]]',
        }  # fmt: skip
        yield tuple({**blank, **told}.values())


def fill(path: Path, count: int) -> None:
    """Make the database: exchanges, and the sums that the journal keeps of them."""
    open_store(f"sqlite:///{path}").close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    names = columns(tables.exchanges)
    quoted = ", ".join(f'"{name}"' for name in names)
    sums = ", ".join(f"coalesce(sum({name}), 0)" for name in ("attempts", *tables.SUMS[4:13]))
    with connection:
        connection.executemany(f"INSERT INTO dragoman_exchanges ({quoted}) VALUES ({', '.join('?' * len(names))})", rows(count))
        connection.execute(
            f"""INSERT INTO dragoman_usage_hours SELECT CAST(began_at / 3600 AS INTEGER), client, coalesce(team, ''), coalesce("user", ''),
            provider, model, agent, coalesce(error, 'ok'), count(*), sum(error IS NOT NULL), 0, {sums}, count(first_token_s),
            {", ".join(f"sum({name})" for name in tables.SUMS_S)} FROM dragoman_exchanges GROUP BY 1, 2, 3, 4, 5, 6, 7, 8"""
        )
        times = ", ".join(f"group_concat(printf('%08x', CAST({name} * {PER_S} + 0.5 AS INTEGER)), '')" for name in tables.TIMES)
        connection.execute(
            f"""INSERT INTO dragoman_usage_times SELECT CAST(began_at / 3600 AS INTEGER), client, coalesce(team, ''), coalesce("user", ''),
            provider, model, agent, coalesce(error, 'ok'), 0, {times} FROM dragoman_exchanges GROUP BY 1, 2, 3, 4, 5, 6, 7, 8"""
        )
        connection.execute(
            """INSERT INTO dragoman_sessions (id, agent, client, first_at, last_at, exchanges, turns, input_tokens, cost_pico)
            SELECT session, agent, client, min(began_at), max(began_at), count(*), 5, sum(input_tokens), sum(cost_pico)
            FROM dragoman_exchanges GROUP BY session"""
        )
    connection.close()


def sum_up(store: Store) -> None:
    """Make the digests, as the journal does behind its writing."""
    writer = store.writer()
    while writer.digest(AT_ONCE):
        pass
    writer.close()


async def answer(asking: Asking, what: str, given: dict[str, str]) -> float:
    """Seconds for one answer, the best of three."""
    best = math.inf
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await getattr(asking, what)(given)
        best = min(best, time.perf_counter() - began)
    return best


def measure(store: Store) -> bool:
    """Ask everything, tell how long it took, and whether each answer came in time."""
    asking = Asking(lambda: store, clock=lambda: NOW)
    slowest = 0.0
    for words, what, given in QUESTIONS:
        took_s = asyncio.run(answer(asking, what, given))
        slowest = max(slowest, took_s)
        print(f"{took_s:7.3f} s  {words}")
    print(f"slowest {slowest:.3f} s, aim {AIM_S:g} s")
    return slowest <= AIM_S


def main() -> None:
    """Make the database if need be, and ask it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="where the database is kept; default: a temporary folder")
    parser.add_argument("--count", type=int, default=1_000_000, help="exchanges")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        path = (arguments.folder or Path(temporary)) / "ask.db"
        if not path.exists():
            began = time.perf_counter()
            fill(path, arguments.count)
            print(f"{arguments.count} exchanges, {path.stat().st_size / 1e6:.0f} MB, made in {time.perf_counter() - began:.0f} s")
        store = open_store(f"sqlite:///{path}")
        sum_up(store)
        raise SystemExit(0 if measure(store) else 1)


if __name__ == "__main__":
    main()
