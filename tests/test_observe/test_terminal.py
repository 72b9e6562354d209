"""Lines reach the terminal in batches, and a terminal that is slow or gone harms nobody."""

from __future__ import annotations

import asyncio
import io
import os
import threading

import pytest

from dragoman.ir.record import Record
from dragoman.observe.observer import Observer, may_color
from dragoman.observe.terminal import Terminal, line


def record(name: str = "m") -> Record:
    return Record("ex_1", 1_700_000_000.0, asked=name, status=200, run="r1", session="s1")


class Held(io.StringIO):
    """A stream that takes nothing until it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.began = threading.Event()
        self.go_on = threading.Event()

    def write(self, text: str) -> int:
        self.began.set()
        self.go_on.wait(120)
        return super().write(text)


def test_every_record_gets_its_line_in_order() -> None:
    stream = io.StringIO()
    terminal = Terminal(stream)

    for number in range(50):
        terminal.record(record(f"m{number}"))
    terminal.close()

    assert stream.getvalue().splitlines() == [line(record(f"m{number}")) for number in range(50)]


def test_a_slow_stream_loses_lines_and_is_told_how_many() -> None:
    stream = Held()
    terminal = Terminal(stream, waiting=2)
    terminal.record(record("first"))
    assert stream.began.wait(120)

    for number in range(5):
        terminal.record(record(f"m{number}"))
    stream.go_on.set()
    terminal.close()

    told = [line(record(name)) for name in ("first", "m0", "m1")]
    assert stream.getvalue().splitlines() == [*told, "(3 more exchanges, not shown: the terminal is too slow)"]


def test_closing_does_not_wait_for_a_stream_that_takes_nothing() -> None:
    stream = Held()
    terminal = Terminal(stream)
    terminal.record(record())
    assert stream.began.wait(120)

    terminal.close(patience_s=0.01)

    assert stream.getvalue() == ""
    stream.go_on.set()


def test_a_pipe_without_a_reader_is_let_go() -> None:
    # Threads of other tests may still hang in streams that take nothing.
    before = set(threading.enumerate())
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        terminal = Terminal(stream)
        terminal.record(record())
        terminal.close()
        terminal.record(record())

    assert not any(thread.name == "terminal" and thread.is_alive() for thread in set(threading.enumerate()) - before)


def test_a_closed_stream_is_let_go() -> None:
    stream = io.StringIO()
    stream.close()
    terminal = Terminal(stream)

    terminal.record(record())
    terminal.close()


def test_what_the_stream_cannot_encode_is_replaced() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="ascii") as stream:
        terminal = Terminal(stream)
        terminal.record(record("модель"))
        terminal.close()

    with os.fdopen(reading) as told:
        assert "??????" in told.read()


def test_the_observer_tells_the_terminal_and_counts() -> None:
    stream = io.StringIO()

    async def story() -> object:
        async with Observer(stream, color="never") as observer:
            observer.record(record())
            assert observer.session("s1") == observer.run("r1") | {"name": "s1"}  # type: ignore[operator]
            return observer.run("r1")

    sums = asyncio.run(story())

    assert stream.getvalue() == line(record()) + "\n"
    assert sums["requests"] == 1  # type: ignore[index]


def test_what_could_not_be_carried_is_told_below_its_exchange_where_it_is_wanted() -> None:
    stream = io.StringIO()
    lossy = record()
    lossy.warnings = [("reasoning", "2 thoughts of `up/m` stay behind\x1b[2J"), ("verbosity", "has no place")]

    async def story() -> None:
        async with Observer(stream, color="never", warnings=True) as observer:
            observer.record(lossy)

    asyncio.run(story())

    told = stream.getvalue().splitlines()
    assert told[0] == line(lossy)
    assert [each.strip() for each in told[1:]] == ["! reasoning: 2 thoughts of `up/m` stay behind.[2J", "! verbosity: has no place"]


def test_an_observer_without_a_stream_only_counts() -> None:
    observer = Observer(None)

    observer.record(record())
    asyncio.run(observer.close())

    assert observer.run("r1") is not None


@pytest.mark.parametrize(
    ("color", "env", "is_terminal", "expected"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"TERM": "dumb"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {}, True, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(color: str, env: dict[str, str], is_terminal: bool, expected: bool) -> None:
    class Stream(io.StringIO):
        def isatty(self) -> bool:
            return is_terminal

    assert may_color(Stream(), color, env) is expected  # type: ignore[arg-type]
