"""Logs for machines."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
from typing import Any

import msgspec

from dragoman.ir.record import Attempt, Record, Trace
from dragoman.ir.usage import Usage
from dragoman.observe.jsonlog import JsonFormatter, json_drops, json_line
from dragoman.observe.observer import Observer

RECORD = Record(
    id="ex_1",
    began_at=1_700_000_000.25,
    client="ada",
    dialect="responses",
    asked="coder",
    provider="here",
    model="m",
    lane="relay",
    stream=True,
    status=200,
    usage=Usage(10, 5, 4),
    attempts=[Attempt("here", "m", 0.1, ended_s=1.0)],
    first_token_s=0.1234567891,
    total_s=1.5,
    trace=Trace("a" * 32, "b" * 16),
)


def test_an_exchange_is_one_object() -> None:
    assert json.loads(json_line(RECORD)) == {
        "time": "2023-11-14T22:13:20.250Z",
        "level": "info",
        "event": "exchange",
        "id": "ex_1",
        "client": "ada",
        "dialect": "responses",
        "asked": "coder",
        "provider": "here",
        "model": "m",
        "lane": "relay",
        "stream": True,
        "status": 200,
        "input_tokens": 10,
        "cache_read_tokens": 4,
        "output_tokens": 5,
        "first_token_s": 0.123457,
        "total_s": 1.5,
        "bytes_in": 0,
        "bytes_out": 0,
        "trace_id": "a" * 32,
        "span_id": "b" * 16,
    }


def test_a_failed_exchange_tells_every_try_and_what_could_not_be_said() -> None:
    attempts = [Attempt("here", "m", 0.0, "key-1", ended_s=1.0, status=500, error="server_error"), Attempt("there", "n", 1.0)]
    record = msgspec.structs.replace(
        RECORD, status=502, error="server_error", message="it\nfailed", attempts=attempts, warnings=[("f", "why")], usage=None
    )
    told = json.loads(json_line(record))

    assert (told["level"], told["error"], told["message"], told["warnings"]) == (
        *("warning", "server_error", "it\nfailed"),
        [{"field": "f", "why": "why"}],
    )
    assert told["attempts"] == [
        {"provider": "here", "model": "m", "key": "key-1", "status": 500, "error": "server_error", "began_s": 0.0, "ended_s": 1.0},
        {"provider": "there", "model": "n", "began_s": 1.0},
    ]


def test_whatever_a_client_says_it_stays_one_line() -> None:
    odd = msgspec.structs.replace(RECORD, session="a\nb\u2028\x1b[2J\udc80", warnings=[("x\udc80", "y")])

    line = json_line(odd)

    assert line.splitlines()[0].count("\n") == 0
    assert json.loads(line)["session"] == "a\nb\u2028\x1b[2J?"


def test_messages_of_the_program_are_objects_too() -> None:
    try:
        raise ValueError("no")
    except ValueError:
        record = logging.LogRecord("dragoman.x", logging.ERROR, "f", 1, "it %s", ("failed",), sys.exc_info())
    told: dict[str, Any] = json.loads(JsonFormatter().format(record))

    assert (told["level"], told["event"], told["logger"], told["message"]) == ("error", "log", "dragoman.x", "it failed")
    assert told["exception"].endswith("ValueError: no")


async def _observed(stream: io.StringIO) -> None:
    async with Observer(stream, format="json") as observer:
        observer.record(RECORD)


def test_the_terminal_writes_what_config_wants() -> None:
    stream = io.StringIO()
    asyncio.run(_observed(stream))

    assert stream.getvalue() == json_line(RECORD) + "\n"
    assert json.loads(json_drops(3)) == {"level": "warning", "event": "dropped", "exchanges": 3}
