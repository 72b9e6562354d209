"""What the simulator remembers of the requests it got, for tests: bounded, and with the keys in it, so it is for loopback only."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

import msgspec

from dragoman.simulator.cache import Prefix
from dragoman.simulator.listener import Asked, Heard
from dragoman.simulator.performance import Billed, Performance
from dragoman.simulator.routes import given_key
from dragoman.simulator.view import View
from dragoman.simulator.violation import Violation
from dragoman.wire.not_json import NOT_JSON

_KEPT = 200


class Record(msgspec.Struct):
    """One request and what came of it."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: msgspec.Raw | str
    """The body as it came: JSON where it is JSON."""
    dialect: str = ""
    model: str = ""
    stream: bool = False
    kind: str = ""
    user: str = ""
    turn: int = 0
    """The number of the request in its conversation, from 1."""
    rule: str = ""
    violations: tuple[Violation, ...] = ()
    prefix: Prefix = Prefix()
    """The prompt, block by block, and how much of it stood the same before."""
    dropped: tuple[dict[str, Any], ...] = ()
    """Thoughts that the provider left out, and why."""
    sent_bytes: int = 0
    aborted: bool = False
    """Whether the client left before the answer was complete."""
    done: bool = False
    billed: Billed = ""
    """What is paid for it: nothing, an answer that broke off, or a whole one."""
    key: str = ""
    """The API key that it came with."""


class Records:
    """Counts since the start, and the last requests."""

    def __init__(self) -> None:
        self.last: deque[Record] = deque(maxlen=_KEPT)
        self._requests = 0
        self._streams = 0
        self._aborted = 0
        self._violations: deque[Violation] = deque(maxlen=_KEPT)
        self._violation_count = 0
        self._dropped = 0
        self._billed: Counter[Billed] = Counter()
        self._open: dict[int, Record] = {}

    def begin(self, asked: Asked) -> None:
        """A request came."""
        record = Record(asked.method, asked.path, asked.query, asked.headers, _kept_body(asked.body), key=given_key(asked))
        self._open[asked.number] = record
        self.last.append(record)
        self._requests += 1

    def understood(self, asked: Asked, view: View, violations: list[Violation]) -> None:
        """It was read."""
        record = self._open[asked.number]
        record.dialect, record.model, record.stream = view.dialect, view.model, view.stream
        record.kind, record.user, record.turn = view.kind, view.user, view.turns
        record.violations = tuple(violations)
        self._streams += view.stream
        self._violations.extend(violations)
        self._violation_count += len(violations)

    def played(self, asked: Asked, rule: str, prefix: Prefix, dropped: tuple[dict[str, Any], ...]) -> None:
        """A rule was picked for it, and its prompt was looked up."""
        record = self._open[asked.number]
        record.rule, record.prefix, record.dropped = rule, prefix, dropped
        self._dropped += len(dropped)

    def performs(self, asked: Asked, performance: Performance) -> None:
        """It is being answered."""
        self._open[asked.number].billed = performance.billed

    def end(self, asked: Asked, heard: Heard) -> None:
        """It was answered, as far as the client stayed."""
        record = self._open.pop(asked.number)
        if heard.left and record.billed:
            record.billed = "part"
        self._billed[record.billed] += 1
        record.sent_bytes, record.aborted, record.done = heard.sent_bytes, heard.left, True
        self._aborted += heard.left

    def stats(self) -> dict[str, Any]:
        """Counts, and the violations in words."""
        return {
            "requests": self._requests,
            "streams": self._streams,
            "aborted": self._aborted,
            "open": len(self._open),
            "dropped_thoughts": self._dropped,
            "billed": self._billed["whole"],
            "billed_in_part": self._billed["part"],
            "violation_count": self._violation_count,
            "violations": list(self._violations),
            "last": [_brief(record) for record in self.last],
        }

    def requests(self) -> list[Record]:
        """The last requests, oldest first."""
        return list(self.last)


def _brief(record: Record) -> dict[str, Any]:
    names = ("path", "model", "kind", "rule", "dialect", "aborted", "billed")
    said = {name: getattr(record, name) for name in names}
    prefix = {name: getattr(record.prefix, name) for name in ("whole", "kept", "previous", "cached_tokens", "written_tokens")}
    return {**said, "user": record.user[:200], "prefix": prefix}


def _kept_body(body: bytes) -> msgspec.Raw | str:
    try:
        msgspec.json.decode(body)
    except NOT_JSON:
        return body.decode("utf-8", "replace")
    return msgspec.Raw(body)
