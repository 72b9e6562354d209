"""Counters and histograms of exchanges for Prometheus. An exchange adds to one row, found by one look-up; a scrape sums the rows up.

Own, since `prometheus-client` takes a look-up and a lock for each number of each record: docs/decisions/0012-own-metrics.md.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from dragoman.ir.record import Attempt, Record
from dragoman.ir.usage import Usage
from dragoman.observe.exposition import Family, Labels, Sample, histogram

OTHER = "other"
NONE = "none"
OK = "ok"
_MOST_ROWS = 4000
"""Rows past which a new one is counted under `other`: 4,000 of them take 6 MB."""
_MOST_SEEN = 20_000
"""Combinations as they come, of which clients choose the model's name: how many lead to their row without being looked at again."""
_MOST_BESIDE = 20_000
"""Replies that are priced one by one and wait for it; more of them are priced by their tokens alone."""

TOTAL_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
FIRST_S = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0, 20.0, 30.0, 60.0)
OWN_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)

Known = Callable[[str | None, str], bool]
"""Whether (provider, model) is a name that config or a provider's own list has; provider None: a name that clients may ask for."""


class Spent(msgspec.Struct):
    """Tokens of replies of one deployment that are priced alike: on the same step of its prices. at: when the first one began."""

    provider: str
    model: str
    at: float
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0


class Alone(msgspec.Struct, frozen=True, gc=False):
    """A reply whose price hangs on more than its tokens. Not its Record, which holds what was said. at: when it was asked for; tier: how
    the provider says that it processed it, where that is not in the usage."""

    provider: str
    model: str
    usage: Usage
    at: float
    tier: str | None = None


class Row:
    """The sums of all exchanges that have these labels."""

    __slots__ = (
        "agent",
        "bytes_in",
        "bytes_out",
        "cache_read",
        "cache_write",
        "client",
        "dialect",
        "error",
        "first",
        "first_s",
        "input",
        "lane",
        "model",
        "output",
        "own",
        "own_s",
        "priced",
        "provider",
        "reasoning",
        "status",
        "stream",
        "total",
        "total_s",
        "tries",
        "unpriced",
        "usd",
        "warnings",
    )

    def __init__(self, record: Record, client: str, provider: str, model: str) -> None:
        self.client = client
        self.agent = record.agent or NONE
        self.dialect = record.dialect
        self.provider = provider
        self.model = model
        self.lane = record.lane or NONE
        self.stream = "true" if record.stream else "false"
        self.status = str(record.status)
        self.error = record.error or ""
        self.input = self.cache_read = self.cache_write = self.output = self.reasoning = 0
        self.bytes_in = self.bytes_out = self.warnings = self.tries = 0
        self.total = [0] * (len(TOTAL_S) + 1)
        self.first = [0] * (len(FIRST_S) + 1)
        self.own = [0] * (len(OWN_S) + 1)
        self.total_s = self.first_s = self.own_s = 0.0
        self.priced = self.unpriced = 0
        self.usd = 0.0


class Entry:
    """A combination as it came: the row that it is counted in, and what it has spent since that was last priced."""

    __slots__ = ("row", "spent")

    def __init__(self, row: Row) -> None:
        self.row = row
        self.spent: dict[int, Spent] = {}


Waiting = tuple[list[tuple[Row, Spent]], list[tuple[Row, Alone]]]
"""What is to be priced: sums, and replies whose price hangs on more than their tokens."""


class Metrics:
    """Counts records. `known` says which names may be labels; `step` on which step of the prices so many input tokens stand; `plain`
    whether a reply (and how it was processed, `Record.tier`) is billed by its tokens alone."""

    def __init__(
        self,
        known: Known = lambda provider, model: True,
        step: Callable[[int], int] = lambda tokens: 0,
        plain: Callable[[Usage, str | None], bool] = lambda usage, tier: not usage.extra and tier is None,
    ) -> None:
        self._known = known
        self._step = step
        self._plain = plain
        self._entries: dict[tuple[object, ...], Entry] = {}
        self._rows: dict[tuple[str, ...], Row] = {}
        self._attempts: dict[tuple[str, str, str], int] = {}
        self._again: dict[tuple[str, str, str], int] = {}
        self._left: list[tuple[Row, Spent]] = []
        self._beside: list[tuple[Row, Alone]] = []
        self._overflow = Row(Record("", 0.0, error=OTHER), OTHER, OTHER, OTHER)

    def record(self, record: Record) -> None:
        """Count one exchange. Never waits."""
        status, provider, model = record.status, record.provider, record.model
        key = (provider, model, status, record.client, record.agent, record.error, record.lane, record.stream, record.dialect)
        entry = self._entries.get(key) if provider is not None else None
        if entry is None:
            entry = self._entry(key, record)
        row = entry.row
        total_s, first_s, attempts = record.total_s, record.first_token_s, record.attempts
        row.total[bisect_left(TOTAL_S, total_s)] += 1
        row.total_s += total_s
        if first_s is not None:
            row.first[bisect_left(FIRST_S, first_s)] += 1
            row.first_s += first_s
        row.bytes_in += record.bytes_in
        row.bytes_out += record.bytes_out
        if record.warnings:
            row.warnings += len(record.warnings)
        own_s = record.own_s
        if attempts:
            ended_s = attempts[-1].ended_s
            if own_s is None:
                own_s = attempts[0].began_s + (total_s - ended_s if ended_s is not None else 0.0)
            if len(attempts) == 1 and ended_s is not None and attempts[0].error is None:
                row.tries += 1
            else:
                self._count_attempts(attempts)
        elif own_s is None:
            own_s = total_s
        row.own[bisect_left(OWN_S, own_s)] += 1
        row.own_s += own_s
        usage = record.usage
        if usage is not None:
            self._count_tokens(entry, usage, record)

    def _count_tokens(self, entry: Entry, usage: Usage, record: Record) -> None:
        row, read, written, thought = entry.row, usage.cache_read_tokens or 0, usage.cache_write_tokens or 0, usage.reasoning_tokens or 0
        given, made = usage.input_tokens, usage.output_tokens
        row.cache_read += read
        row.cache_write += written
        row.reasoning += thought
        # Each token counts once: what a provider tells wrongly (parts that are more than their total) must not make a counter fall.
        row.input += given - read - written if given > read + written else 0
        row.output += made - thought if made > thought else 0
        room = len(self._beside) < _MOST_BESIDE
        if room and len(record.attempts) > 1:
            self._beside += [(row, alone) for alone in _each(record)]
            return
        if room and (usage.extra or record.tier is not None) and not self._plain(usage, record.tier):
            self._beside.append((row, Alone(record.provider or "", record.model or "", usage, record.began_at, record.tier)))
            return
        step = self._step(given)
        spent = entry.spent.get(step)
        if spent is None:
            spent = entry.spent[step] = Spent(record.provider or "", record.model or "", record.began_at)
        spent.requests += 1
        spent.input_tokens += given
        spent.output_tokens += made
        spent.cache_read_tokens += read
        spent.cache_write_tokens += written
        spent.reasoning_tokens += thought

    def _count_attempts(self, attempts: list[Attempt]) -> None:
        counts = self._attempts
        before: Attempt | None = None
        for attempt in attempts:
            provider, model = self._names(attempt.provider, attempt.model)
            key = (provider, model, attempt.error or (OK if attempt.ended_s is not None else "left"))
            counts[key] = counts.get(key, 0) + 1
            if before is not None:
                is_same = before.provider == attempt.provider and before.model == attempt.model
                again = (provider, model, "retry" if is_same else "fallback")
                self._again[again] = self._again.get(again, 0) + 1
            before = attempt

    def _entry(self, key: tuple[object, ...], record: Record) -> Entry:
        if record.provider is not None and (entry := self._entries.get(key)) is not None:
            return entry
        if len(self._entries) >= _MOST_SEEN:
            self.forget()
        entry = Entry(self._row(record))
        if record.provider is not None:
            self._entries[key] = entry
        return entry

    def _row(self, record: Record) -> Row:
        provider, model = self._names(record.provider, record.model if record.provider is not None else record.asked)
        row = self._find(record, record.client, provider, model, _MOST_ROWS)
        return row if row is not None else self._find(record, OTHER, provider, OTHER, 2 * _MOST_ROWS) or self._overflow

    def _find(self, record: Record, client: str, provider: str, model: str, most: int) -> Row | None:
        key = (client, record.agent or "", record.dialect, provider, model, record.lane or "")
        key = (*key, str(record.stream), str(record.status), record.error or "")
        row = self._rows.get(key)
        if row is None and len(self._rows) < most:
            row = self._rows[key] = Row(record, client, provider, model)
        return row

    def _names(self, provider: str | None, model: str | None) -> tuple[str, str]:
        if not model:
            return provider or NONE, NONE
        return provider or NONE, model if self._known(provider, model) else OTHER

    def forget(self) -> None:
        """Look names up anew: those that are known have changed, or too many are remembered. No count is lost."""
        for entry in self._entries.values():
            self._left += [(entry.row, spent) for spent in entry.spent.values()]
        self._entries = {}

    @property
    def alone(self) -> int:
        """Replies that wait to be priced one by one."""
        return len(self._beside)

    def waiting(self) -> Waiting:
        """Take what is not priced yet. To be called where `record` is; price it anywhere, and hand the sums to `paid`."""
        sums, self._left = self._left, []
        for entry in self._entries.values():
            if entry.spent:
                sums += [(entry.row, spent) for spent in entry.spent.values()]
                entry.spent = {}
        beside, self._beside = self._beside, []
        return sums, beside

    def paid(self, row: Row, requests: int, usd: float | None) -> None:
        """So many requests of this row came to this; None: nobody says what they cost."""
        if usd is None:
            row.unpriced += requests
        else:
            row.priced += requests
            row.usd += usd

    def families(self) -> Iterator[Family]:
        """Everything that was counted. May be called from another thread; a number may then be one exchange ahead of another."""
        rows = [*self._rows.values(), self._overflow]
        for name, text, labels, value in _COUNTERS:
            yield Family(f"dragoman_{name}", "counter", text, _summed(rows, labels, value))
        yield Family("dragoman_tokens_total", "counter", "Tokens, each counted once: by type, they add up.", list(_tokens(rows)))
        for name, text, labels, bounds, read in _HISTOGRAMS:
            yield Family(f"dragoman_{name}", "histogram", text, list(_folded(rows, labels, bounds, read)))
        tries = dict(self._attempts)
        for row in rows:
            if row.tries:
                key = (row.provider, row.model, OK)
                tries[key] = tries.get(key, 0) + row.tries
        samples = [Sample(_labelled(("provider", "model", "outcome"), key), count) for key, count in tries.items()]
        yield Family("dragoman_attempts_total", "counter", "Tries at providers, by outcome: `ok`, `left`, or the kind of error.", samples)
        for kind, text in _AGAIN.items():
            again = [(key, count) for key, count in list(self._again.items()) if key[2] == kind]
            samples = [Sample(_labelled(("provider", "model"), key[:2]), count) for key, count in again]
            yield Family(f"dragoman_{'retries' if kind == 'retry' else 'fallbacks'}_total", "counter", text, samples)


def _each(record: Record) -> Iterator[Alone]:
    """The replies of an exchange that took several tries: each that told its tokens is billed by who gave it."""
    for attempt in record.attempts:
        if attempt.usage is not None:
            tier = record.tier if attempt is record.attempts[-1] else None
            yield Alone(attempt.provider, attempt.model, attempt.usage, record.began_at + attempt.began_s, tier)


_AGAIN = {
    "retry": "Further tries at the deployment that was just tried, with the same or another key.",
    "fallback": "Tries at another deployment, named by the labels, after one failed.",
}
_WHO = ("client", "agent", "dialect", "provider", "model", "lane", "status")
_SPENDER = ("client", "provider", "model")
_COUNTERS: tuple[tuple[str, str, tuple[str, ...], Callable[[Row], float]], ...] = (
    ("requests_total", "Exchanges that are over.", _WHO, lambda row: sum(row.total)),
    (
        "errors_total",
        "Exchanges that ended in an error, by its kind.",
        (*_SPENDER, "error"),
        lambda row: sum(row.total) if row.error else 0,
    ),
    ("cost_usd_total", "US dollars that replies cost, as far as prices are known.", _SPENDER, lambda row: row.usd),
    ("priced_requests_total", "Replies whose cost is in `dragoman_cost_usd_total`.", _SPENDER, lambda row: row.priced),
    ("unpriced_requests_total", "Replies whose price nobody tells.", _SPENDER, lambda row: row.unpriced),
    ("request_bytes_total", "Bytes of requests' bodies.", ("client", "dialect"), lambda row: row.bytes_in),
    ("response_bytes_total", "Bytes of answers' bodies.", ("client", "dialect"), lambda row: row.bytes_out),
    ("warnings_total", "Things of requests that a provider could not be told.", ("dialect", "provider", "model"), lambda row: row.warnings),
)
_TOKEN_TYPES = ("input", "cache_read", "cache_write", "output", "reasoning")
_Buckets = Callable[[Row], tuple[list[int], float]]
_HISTOGRAMS: tuple[tuple[str, str, tuple[str, ...], Sequence[float], _Buckets], ...] = (
    (
        "request_duration_seconds",
        "Seconds from the request to the last byte of the answer.",
        ("provider", "model", "stream"),
        TOTAL_S,
        lambda row: (row.total, row.total_s),
    ),
    (
        "time_to_first_token_seconds",
        "Seconds from the request to the first output of a stream.",
        ("provider", "model"),
        FIRST_S,
        lambda row: (row.first, row.first_s),
    ),
    (
        "overhead_seconds",
        "Seconds before the first try at a provider and after the end of the last one: the gateway's own share.",
        ("dialect", "lane"),
        OWN_S,
        lambda row: (row.own, row.own_s),
    ),
)


def _summed(rows: Iterable[Row], names: tuple[str, ...], value: Callable[[Row], float]) -> list[Sample]:
    sums: dict[tuple[str, ...], float] = {}
    for row in rows:
        if count := value(row):
            key = tuple([getattr(row, name) for name in names])
            sums[key] = sums.get(key, 0) + count
    return [Sample(_labelled(names, key), count) for key, count in sums.items()]


def _tokens(rows: list[Row]) -> Iterator[Sample]:
    for kind in _TOKEN_TYPES:
        for sample in _summed(rows, _SPENDER, lambda row, kind=kind: getattr(row, kind)):
            yield Sample((*sample.labels, ("type", kind)), sample.value)


def _folded(rows: Iterable[Row], names: tuple[str, ...], bounds: Sequence[float], read: _Buckets) -> Iterator[Sample]:
    sums: dict[tuple[str, ...], tuple[list[int], float]] = {}
    for row in rows:
        counts, total = read(row)
        if any(counts):
            key = tuple([getattr(row, name) for name in names])
            held, sum_s = sums.get(key, ([0] * len(counts), 0.0))
            sums[key] = [one + other for one, other in zip(held, counts, strict=True)], sum_s + total
    for key, (counts, total) in sums.items():
        yield from histogram(_labelled(names, key), bounds, counts, total)


def _labelled(names: tuple[str, ...], values: tuple[str, ...]) -> Labels:
    return tuple(zip(names, values, strict=True))
