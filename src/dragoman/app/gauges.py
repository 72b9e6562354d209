"""What Prometheus is told of this moment: what is under way, how every target is, which config is in use. Read when it scrapes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from dragoman import __version__
from dragoman.app.compose import Composed
from dragoman.app.reload import State
from dragoman.observe.exposition import Family, Labels, Sample
from dragoman.observe.journal_writer import Stats
from dragoman.observe.metrics import OTHER

STATES = ("ready", "trial", "spent", "open", "resting", "refused")


class Moment(msgspec.Struct, frozen=True):
    """running: exchanges under way; streams: those whose answer has begun and is not over. now: on the runtime's clock. is_known: whether
    (provider, model) may be a label."""

    running: int
    streams: int
    now: float
    state: State
    is_known: Callable[[str | None, str], bool]


def families(current: Composed, moment: Moment) -> Iterator[Family]:
    """Everything that stands at this moment."""
    yield _one("dragoman_build_info", "Always 1; the label says which version runs.", 1, (("version", __version__),))
    yield _one("dragoman_exchanges_running", "Exchanges under way.", moment.running)
    yield _one("dragoman_streams_open", "Answers that have begun and are not over.", moment.streams)
    yield from _connections(current)
    yield from _held(current)
    yield from _config(moment.state)
    yield from _seats(current, moment)
    yield from _budgets(current, moment.now)


def journal(stats: Stats) -> Iterator[Family]:
    """How the journal goes."""
    yield _one("dragoman_journal_queue_records", "Exchanges that wait in memory to be written.", stats.waiting)
    yield _one("dragoman_journal_queue_bytes", "Bytes of memory that they take.", stats.waiting_bytes)
    yield _one("dragoman_journal_spool_bytes", "Bytes that wait on disk while the database is away.", stats.spooled_bytes)
    yield _one("dragoman_journal_trouble", "1 while nothing can be written into the database.", int(stats.trouble is not None))
    outcomes = (("written", stats.written), ("spilled", stats.spilled), ("lost", stats.lost))
    records = [Sample((("outcome", outcome),), count) for outcome, count in outcomes]
    text = "Exchanges by what became of them: in the database, on disk since the queue was full, nowhere."
    yield Family("dragoman_journal_records_total", "counter", text, records)
    text = "Exchanges whose bodies were left out since the queue was full."
    yield Family("dragoman_journal_bodies_dropped_total", "counter", text, [Sample((), stats.dropped_bodies)])
    text = "Seconds of CPU that the journal's thread has used."
    yield Family("dragoman_journal_cpu_seconds_total", "counter", text, [Sample((), round(stats.cpu_s, 6))])


def refusals(counts: Mapping[str, int]) -> Iterator[Family]:
    """Requests that never became exchanges. counts: by kind of error."""
    text = "Requests that were refused before an exchange began: no HTTP, too large, not whole in time, too many, a key that is wrong."
    yield Family("dragoman_refused_total", "counter", text, [Sample((("error", name),), count) for name, count in counts.items()])


def _connections(current: Composed) -> Iterator[Family]:
    stats = current.runtime.pool.stats()
    samples = [
        Sample((("state", "busy"),), stats.open - stats.idle),
        Sample((("state", "idle"),), stats.idle),
    ]
    yield _family("dragoman_upstream_connections", "Connections to providers.", samples)
    yield _one("dragoman_upstream_queue", "Requests that wait for a connection to their provider.", stats.waiting)


def _held(current: Composed) -> Iterator[Family]:
    capture = current.runtime.capture
    if capture is None:
        return
    yield _one("dragoman_journal_running_bytes", "Bytes that answers under way hold for the journal.", capture.room.taken_bytes)
    text = "Exchanges of whose answers the rest was left out, since all that were under way held as much as they may."
    yield Family("dragoman_journal_bodies_cut_total", "counter", text, [Sample((), capture.room.cut)])


def _config(state: State) -> Iterator[Family]:
    yield _one("dragoman_config_loaded_timestamp_seconds", "Unix seconds at which the config in use was taken up.", state.loaded_at)
    yield _one(
        "dragoman_config_error", "1 if the config as it stands now cannot be used, so that an earlier one is.", int(bool(state.problems))
    )
    if state.revision is not None:
        yield _one("dragoman_config_revision", "The revision of the config in use.", state.revision)


def _seats(current: Composed, moment: Moment) -> Iterator[Family]:
    """How targets are. There may be ten thousand of them, as clients choose names: on the event loop, so each costs a microsecond."""
    standing: dict[tuple[str, str, str, str], int] = {}
    running: dict[Labels, float] = {}
    left: dict[Labels, float] = {}
    most: dict[Labels, float] = {}
    providers, is_known = current.config.providers, moment.is_known
    for health, stands in current.runtime.board.each(moment.now):
        provider, model = health.provider, health.model
        if provider not in providers:
            continue
        known = is_known(provider, model)
        key = (provider, model if known else OTHER, health.key, stands)
        standing[key] = standing.get(key, 0) + 1
        if known:
            for limit in health.limits.each:
                labels = (*_seat(key), ("limit", limit.of or "requests"))
                left |= {} if limit.left is None else {labels: limit.left}
                most |= {} if limit.most is None else {labels: limit.most}
        if known or health.running:
            running[_seat(key)] = running.get(_seat(key), 0) + health.running
    text = "Targets with one provider key, by how they stand: 1 in the state that holds (`GET /api/health` says why)."
    seats = dict.fromkeys(key[:3] for key in standing)
    samples = [Sample((*_seat(seat), ("state", state)), standing.get((*seat, state), 0)) for seat in seats for state in STATES]
    yield _family("dragoman_seats", text, samples)
    yield _family("dragoman_seat_running", "Exchanges under way there.", _samples(running))
    yield _family("dragoman_seat_limit_remaining", "What is left of a provider's limit, as it told last.", _samples(left))
    yield _family("dragoman_seat_limit", "A provider's limit, as it told last.", _samples(most))


def _seat(key: tuple[str, ...]) -> Labels:
    return ("provider", key[0]), ("model", key[1]), ("key", key[2])


def _budgets(current: Composed, now: float) -> Iterator[Family]:
    share, board = current.config.routing.retry.budget, current.runtime.board
    samples: list[Sample] = []
    for name in current.config.providers:
        left = board.budget(name).left(now, share)
        samples.append(Sample((("provider", name),), round(max(0.0, left), 3)))
    yield _family("dragoman_retry_budget_remaining", "Retries that a provider may still get within the minute.", samples)


def _samples(values: dict[Labels, float]) -> list[Sample]:
    return [Sample(labels, value) for labels, value in values.items()]


def _family(name: str, text: str, samples: Iterable[Sample]) -> Family:
    return Family(name, "gauge", text, list(samples))


def _one(name: str, text: str, value: float, labels: Labels = ()) -> Family:
    return _family(name, text, [Sample(labels, value)])
