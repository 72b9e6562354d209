"""Sums per run (the process that a launcher started) and per session, in memory, the oldest forgotten first. Not a journal."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from decimal import Decimal

import msgspec

from dragoman.ir.record import Attempt, Record
from dragoman.ir.usage import Usage

_KEPT = 1000
_NAMES = 100
_GROUPS = 200
_LEFT = 499
_BESIDE = frozenset({"title", "prewarm"})
"""Kinds of requests that an agent makes beside its turns, for itself."""


class Counted(msgspec.Struct, frozen=True, gc=False):
    """By what a reply is billed. alike: replies of one deployment may be added up where this is the same. beside: counts, by unit, of what
    is billed besides the neutral tokens or is a part of them; terms: how it was processed; told_usd: what the provider says it costs."""

    alike: Hashable = ()
    beside: Mapping[str, int] = {}
    terms: Mapping[str, str] = {}
    told_usd: Decimal | None = None


Count = Callable[[Usage, str | None, float], Counted | None]
"""How a reply is billed that told these tokens and was processed so (`Record.tier`), asked for at this time (Unix seconds). None: nobody
knows, since what it tells contradicts itself. Some microseconds at most."""


class Tokens(msgspec.Struct):
    """The tokens of requests that are priced alike: of one deployment, on one step of its prices. began_at: of the first of them.
    beside, terms, told_usd: as `Counted` has them."""

    provider: str
    model: str
    began_at: float
    terms: Mapping[str, str] = {}
    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    cache_written_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    beside: dict[str, int] = {}
    told_usd: Decimal | None = None

    def add(self, usage: Usage, counted: Counted) -> None:
        """Count one reply."""
        self.requests += 1
        self.input_tokens += usage.input_tokens
        self.cached_tokens += usage.cache_read_tokens or 0
        self.cache_written_tokens += usage.cache_write_tokens or 0
        self.output_tokens += usage.output_tokens
        self.reasoning_tokens += usage.reasoning_tokens or 0
        if counted.beside:
            for unit, count in counted.beside.items():
                self.beside[unit] = self.beside.get(unit, 0) + count
        if counted.told_usd is not None:
            self.told_usd = (self.told_usd or 0) + counted.told_usd


class Sums(msgspec.Struct):
    """What the exchanges of one run or session came to. Counts of tokens are zero where providers told none.

    requests: exchanges. turns: steps as the agent counts them, which may take several requests each; a request that names no
    turn is one. failed: ended in an error; left: the client went away. models: how often each `provider/model` answered.
    waited_s: seconds under way at each provider. began_at, last_at: Unix seconds of the first and the last request. spent: the tokens
    once more, apart for what is priced apart, those of every attempt that told some. uncounted: replies, whole or cut short, that may
    cost something and told no tokens, or none that make sense.
    """

    name: str
    began_at: float
    last_at: float = 0.0
    requests: int = 0
    turns: int = 0
    failed: int = 0
    left: int = 0
    warnings: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    models: dict[str, int] = {}
    waited_s: dict[str, float] = {}
    last_error: str | None = None
    last_turn: str | None = None
    spent: dict[Hashable, Tokens] = {}
    uncounted: int = 0

    def add(self, record: Record, billed: list[tuple[Attempt, Counted | None]]) -> None:
        """Count one exchange, whose attempts are billed so."""
        self.requests += 1
        self.last_at = max(self.last_at, record.began_at)
        self.warnings += len(record.warnings)
        if record.kind not in _BESIDE:
            self.turns += record.turn is None or record.turn != self.last_turn
            self.last_turn = record.turn
        self._add_outcome(record)
        self._add_usage(record)
        self._add_spent(record, billed)
        for attempt in record.attempts:
            ended_s = record.total_s if attempt.ended_s is None else attempt.ended_s
            name = _bounded(self.waited_s, attempt.provider)
            self.waited_s[name] = self.waited_s.get(name, 0.0) + max(0.0, ended_s - attempt.began_s)

    def _add_outcome(self, record: Record) -> None:
        if record.status == _LEFT:
            self.left += 1
        elif record.error is not None:
            self.failed += 1
            self.last_error = record.message or record.error
        elif record.provider is not None:
            name = _bounded(self.models, f"{record.provider}/{record.model}")
            self.models[name] = self.models.get(name, 0) + 1

    def _add_usage(self, record: Record) -> None:
        usage = record.usage
        if usage is None:
            return
        self.input_tokens += usage.input_tokens
        self.output_tokens += usage.output_tokens
        self.cached_tokens += usage.cache_read_tokens or 0
        self.reasoning_tokens += usage.reasoning_tokens or 0

    def _add_spent(self, record: Record, billed: list[tuple[Attempt, Counted | None]]) -> None:
        if not billed:
            # Refused and failed before the first token: nothing to pay. Left early: the provider may have begun.
            began = record.first_token_s is not None or record.status in (200, _LEFT)
            self.uncounted += began and record.provider is not None
        for attempt, counted in billed:
            tokens = None if counted is None else self._tokens(record, attempt, counted)
            if tokens is None or counted is None or attempt.usage is None:
                self.uncounted += 1
            else:
                tokens.add(attempt.usage, counted)

    def _tokens(self, record: Record, attempt: Attempt, counted: Counted) -> Tokens | None:
        key = (attempt.provider, attempt.model, counted.alike)
        found = self.spent.get(key)
        if found is None and len(self.spent) < _GROUPS:
            began_at = record.began_at + attempt.began_s
            found = self.spent[key] = Tokens(attempt.provider, attempt.model, began_at, counted.terms)
        return found


def _alike(usage: Usage, tier: str | None, at: float) -> Counted:
    return Counted()


class Tally:
    """The sums of the runs and sessions that were seen last. `count` says how a reply is billed; without it all are alike."""

    def __init__(self, kept: int = _KEPT, count: Count = _alike) -> None:
        self._kept = kept
        self._count = count
        self._runs: OrderedDict[str, Sums] = OrderedDict()
        self._sessions: OrderedDict[str, Sums] = OrderedDict()

    def record(self, record: Record) -> None:
        """Count one exchange."""
        if record.run is None and record.session is None:
            return
        billed = self._billed(record)
        if record.run:
            self._sums(self._runs, record.run, record.began_at).add(record, billed)
        if record.session:
            self._sums(self._sessions, record.session, record.began_at).add(record, billed)

    def run(self, name: str) -> dict[str, object] | None:
        """The sums of a run as JSON can hold them, or None if it is not remembered."""
        return _told(self._runs.get(name))

    def session(self, name: str) -> dict[str, object] | None:
        """The sums of a session, likewise."""
        return _told(self._sessions.get(name))

    def _billed(self, record: Record) -> list[tuple[Attempt, Counted | None]]:
        """The attempts that told tokens. How a request was processed is told of the last one only."""
        told: list[tuple[Attempt, Counted | None]] = []
        for attempt in record.attempts:
            if attempt.usage is not None:
                tier = record.tier if attempt is record.attempts[-1] else None
                told.append((attempt, self._count(attempt.usage, tier, record.began_at + attempt.began_s)))
        return told

    def _sums(self, all_sums: OrderedDict[str, Sums], name: str, now: float) -> Sums:
        sums = all_sums.get(name)
        if sums is None:
            sums = all_sums[name] = Sums(name, now)
            if len(all_sums) > self._kept:
                all_sums.popitem(last=False)
        else:
            all_sums.move_to_end(name)
        return sums


def _bounded(counts: Mapping[str, object], name: str) -> str:
    """Model names come from clients: past a bound they are counted together."""
    return name if name in counts or len(counts) < _NAMES else "(others)"


def _told(sums: Sums | None) -> dict[str, object] | None:
    if sums is None:
        return None
    told = msgspec.structs.asdict(sums)
    del told["last_turn"]
    told["spent"] = [msgspec.structs.asdict(tokens) for tokens in sums.spent.values()]
    told["cached_share"] = round(sums.cached_tokens / sums.input_tokens, 4) if sums.input_tokens else 0.0
    told["waited_s"] = {name: round(seconds, 3) for name, seconds in sums.waited_s.items()}
    return told
