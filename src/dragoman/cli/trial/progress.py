"""Tells how the tries are going: a block that is redrawn on a terminal, a line for each start and end elsewhere."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import Any, TextIO

from dragoman.cli.trial import wording
from dragoman.cli.trial.state import Entry, Trial
from dragoman.observe.cells import beginning, padded, width

_REDRAW_S = 0.5
_ASK_S = 3.0
_WIDEST = 100
_UP_AND_CLEAR = "\x1b[{lines}F\x1b[J"


class Progress:
    """A Watcher. `settle` is called for each that ended, before it is told; `ask` gives the sums of a run so far."""

    def __init__(self, trial: Trial, stream: TextIO, *, settle: Callable[[Entry], None], ask: Callable[[Entry], dict[str, Any]]) -> None:
        self._entries = trial.entries
        self._stream = stream
        self._settle = settle
        self._ask = ask
        self._is_terminal = stream.isatty()
        self._drawn = 0
        self._drawn_at = self._asked_at = 0.0
        self._widest = max(width(entry.label) for entry in trial.entries)

    def started(self, entry: Entry) -> None:
        """Tell that it runs."""
        self._tell(entry, "started")

    def ended(self, entry: Entry) -> None:
        """Tell how it ended."""
        self._settle(entry)
        self._tell(entry, self._line(entry))

    def tick(self) -> None:
        """Redraw, now and then; ask the gateway more seldom."""
        now = time.monotonic()
        if not self._is_terminal or now - self._drawn_at < _REDRAW_S:
            return
        if now - self._asked_at > _ASK_S:
            for entry in self._entries:
                if entry.state == "running":
                    entry.sums = self._ask(entry) or entry.sums
            self._asked_at = time.monotonic()
        self._draw()
        self._drawn_at = now

    def close(self) -> None:
        """Leave the block as it stands at the end."""
        if self._is_terminal:
            self._draw()

    def _tell(self, entry: Entry, what: str) -> None:
        if self._is_terminal:
            self._draw()
        else:
            print(f"dragoman: {entry.label}: {what}", file=self._stream, flush=True)

    def _draw(self) -> None:
        lines = [f"  {padded(entry.label, self._widest)}  {self._line(entry)}" for entry in self._entries]
        # A line that ran on into the next would be one more than is gone up again.
        room = min(_WIDEST, shutil.get_terminal_size().columns - 1)
        up = _UP_AND_CLEAR.format(lines=self._drawn) if self._drawn else ""
        self._stream.write(up + "".join(f"{beginning(line, room)}\n" for line in lines))
        self._stream.flush()
        self._drawn = len(lines)

    def _line(self, entry: Entry) -> str:
        if entry.state == "waiting":
            return "waits for its turn"
        took_s = time.time() - entry.began_at if entry.state == "running" else entry.took_s
        word = "runs" if entry.state == "running" else wording.outcome(entry)
        spent = [f"{wording.tokens(entry.sums)} tokens", wording.cost(entry.sums)] if entry.sums.get("requests") else []
        return " · ".join([f"{word:<10} {wording.duration(took_s)}", *spent])
