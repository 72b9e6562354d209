"""Hands the record of each exchange to everything that watches."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal, Self, TextIO

from dragoman.ir.record import Record
from dragoman.observe.jsonlog import json_drops, json_line
from dragoman.observe.line import line, told_warnings
from dragoman.observe.tally import Count, Tally
from dragoman.observe.terminal import Terminal

Color = Literal["auto", "always", "never"]
Format = Literal["text", "json"]


class Observer:
    """The terminal (none: no lines; `format`: for people or for machines) and the tally. An async context manager: leaving it writes
    the last lines.

    count: how a reply is billed; without it all are priced alike.
    """

    def __init__(
        self,
        stream: TextIO | None,
        *,
        color: Color = "auto",
        warnings: bool = False,
        format: Format = "text",
        env: Mapping[str, str] = os.environ,
        count: Count | None = None,
    ) -> None:
        self._terminal = None
        if stream is not None and format == "json":
            self._terminal = Terminal(stream, json_line, drops=json_drops)
        elif stream is not None:
            self._terminal = Terminal(stream, _line(may_color(stream, color, env), warnings))
        self._tally = Tally() if count is None else Tally(count=count)
        self._watchers: tuple[Callable[[Record], None], ...] = ()
        self._beginnings: tuple[Callable[[Record], None], ...] = ()

    def tell(self, watcher: Callable[[Record], None], *, begun: Callable[[Record], None] | None = None) -> None:
        """From now on this is told each record too; it never waits. begun: and this of each exchange that begins."""
        self._watchers += (watcher,)
        self._beginnings += () if begun is None else (begun,)

    def begin(self, record: Record) -> None:
        """This exchange is under way. Never waits."""
        for begun in self._beginnings:
            begun(record)

    def record(self, record: Record) -> None:
        """Remember this exchange. Never waits."""
        self._tally.record(record)
        if self._terminal is not None:
            self._terminal.record(record)
        for watcher in self._watchers:
            watcher(record)

    def run(self, name: str) -> dict[str, object] | None:
        """The sums of a run, or None if it is not remembered."""
        return self._tally.run(name)

    def session(self, name: str) -> dict[str, object] | None:
        """The sums of a session, likewise."""
        return self._tally.session(name)

    async def close(self) -> None:
        """Write what waits."""
        if self._terminal is not None:
            await asyncio.to_thread(self._terminal.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _line(color: bool, warnings: bool) -> Callable[[Record], str]:
    if warnings:
        return lambda record: line(record, color=color) + told_warnings(record)
    return partial(line, color=color)


def may_color(stream: TextIO, color: Color, env: Mapping[str, str]) -> bool:
    """Whether lines on this stream are coloured; see https://no-color.org."""
    if color != "auto":
        return color == "always"
    try:
        return stream.isatty() and not env.get("NO_COLOR") and env.get("TERM") != "dumb"
    except ValueError:
        return False
