"""Sends the spans of exchanges to a collector, from a thread of its own: a bounded queue, batches, a deadline for each, a few more tries.

OTLP over HTTP: https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from __future__ import annotations

import http.client
import logging
import os
import socket
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

import msgspec

from dragoman.ir.record import Bodies, Record
from dragoman.observe.exposition import Family, Sample
from dragoman.observe.otlp import Attributes, Span, write_request
from dragoman.observe.spans import SCHEMA_URL, Content, Place, no_content, spans

logger = logging.getLogger(__name__)

_BATCH = 256
_BATCH_BYTES = 2 * 1024 * 1024
"""Of bodies whose exchanges go in one batch: collectors take 4 MB by default."""
_HELD_BYTES = 64 * 1024 * 1024
"""Of bodies that wait, where content is wanted; past that exchanges are told without theirs."""
_STEP = 8
_GATHER_S = 1.0
_CLOSE_S = 2.0
_TRIES = 3
_AGAIN_S = 1.0
_AGAIN = frozenset({429, 502, 503, 504})
"""The statuses after which OTLP wants the same batch again."""


class Destination(msgspec.Struct, frozen=True):
    """Where spans go. headers are never shown."""

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    timeout_s: float = 10.0
    queue: int = 2048
    service: str = "dragoman"
    version: str = ""
    places: Mapping[str, Place] = {}
    content: Content = no_content

    def __repr__(self) -> str:
        return f"Destination({self.url!r})"


class _Waiting(msgspec.Struct, frozen=True):
    """An exchange whose spans are to be sent. size_bytes: of its bodies, where they are held."""

    record: Record
    bodies: Bodies | None = None
    size_bytes: int = 0


class Exporter:
    """Takes records of traced exchanges. `use` begins and ends it; the thread exists only while there is a destination."""

    def __init__(self, *, gather_s: float = _GATHER_S, again_s: float = _AGAIN_S) -> None:
        self._destination: Destination | None = None
        self._gather_s = gather_s
        self._again_s = again_s
        self._waiting: deque[_Waiting] = deque()
        self._put_bytes = self._taken_bytes = 0
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_well = True
        self.sent = self.failed = self.dropped = 0

    def use(self, destination: Destination | None) -> None:
        """From now on spans go there; None: they are not wanted any more."""
        self._destination = destination
        if destination is not None and self._thread is None:
            # A daemon: a collector that hangs must not keep the process from ending.
            self._thread = threading.Thread(target=self._run, name="traces", daemon=True)
            self._thread.start()

    def record(self, record: Record) -> None:
        """Have the spans of this exchange sent, if it is traced. Never waits."""
        trace, destination = record.trace, self._destination
        if trace is None or destination is None or not trace.is_sampled:
            return
        if len(self._waiting) >= destination.queue:
            self.dropped += 1
            return
        self._waiting.append(self._held(record, destination))
        if not self._wake.is_set():
            self._wake.set()

    def _held(self, record: Record, destination: Destination) -> _Waiting:
        """What is kept of it. Others take its bodies over, so where they are wanted they are held apart."""
        bodies, size_bytes = record.bodies, record.bytes_in + record.bytes_out
        if bodies is None:
            return _Waiting(record)
        if destination.content is no_content or self._put_bytes - self._taken_bytes + size_bytes > _HELD_BYTES:
            return _Waiting(msgspec.structs.replace(record, bodies=None))
        self._put_bytes += size_bytes
        return _Waiting(record, bodies, size_bytes)

    def close(self, patience_s: float = _CLOSE_S) -> None:
        """Send what waits, as far as the collector takes it in time."""
        self._closing.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(patience_s)

    def families(self) -> Iterator[Family]:
        """How it goes, for Prometheus; nothing where there is no destination."""
        if self._destination is None:
            return
        yield Family("dragoman_trace_queue", "gauge", "Exchanges whose spans wait to be sent.", [Sample((), len(self._waiting))])
        outcomes = (("sent", self.sent), ("failed", self.failed), ("dropped", self.dropped))
        samples = [Sample((("outcome", outcome),), count) for outcome, count in outcomes]
        yield Family("dragoman_traces_total", "counter", "Traced exchanges, by what became of their spans.", samples)

    # In the thread

    def _run(self) -> None:
        is_open = True
        while is_open:
            self._wake.wait()
            self._closing.wait(self._gather_s)
            is_open = not self._closing.is_set()
            # What comes from here on wakes the thread again: nothing is left behind.
            self._wake.clear()
            while self._waiting:
                self._send(self._batch())

    def _batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        room_bytes = _BATCH_BYTES
        while self._waiting and len(batch) < _BATCH and room_bytes > 0:
            one = self._waiting.popleft()
            batch.append(one)
            room_bytes -= one.size_bytes
            self._taken_bytes += one.size_bytes
        return batch

    def _send(self, batch: list[_Waiting]) -> None:
        destination = self._destination
        if destination is None:
            return
        try:
            problem = self._post(
                destination, write_request(_spans(batch, destination), _resource(destination), destination.version, SCHEMA_URL)
            )
        except Exception:
            # The edge of this thread: one exchange that cannot be told must not end the telling.
            logger.exception("spans could not be made")
            self.failed += len(batch)
            return
        if problem is None:
            self.sent += len(batch)
            self._is_well = True
            return
        self.failed += len(batch)
        if self._is_well:
            # Once per outage: a collector that is away for a day is no reason for a line each second.
            self._is_well = False
            logger.warning("traces cannot be sent to `%s`: %s", _shown(destination.url), problem)

    def _post(self, destination: Destination, body: bytes) -> str | None:
        """What went wrong in the end, or None."""
        problem = ""
        for number in range(_TRIES):
            if number and self._closing.wait(self._again_s * 2 ** (number - 1)):
                break
            problem, is_passing = _posted(destination, body)
            if not is_passing:
                break
        return problem or None


def _posted(destination: Destination, body: bytes) -> tuple[str, bool]:
    """(what went wrong, whether it may pass)."""
    headers = {"content-type": "application/x-protobuf", "user-agent": f"dragoman/{destination.version}", **dict(destination.headers)}
    try:
        request = urllib.request.Request(destination.url, body, headers, method="POST")
        with _opener(destination.url).open(request, timeout=destination.timeout_s) as answer:
            answer.read(65_536)
        return "", False
    except urllib.error.HTTPError as error:
        error.close()
        return f"it answered {error.code}", error.code in _AGAIN
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        return f"{type(reason).__name__}: {reason}", True


def _opener(url: str) -> urllib.request.OpenerDirector:
    """With the environment's proxies, but for a collector on this machine; without redirects, since the headers hold a key."""
    host = urlsplit(url).hostname or ""
    is_here = host == "localhost" or host.startswith("127.") or host == "::1"
    opener = urllib.request.OpenerDirector()
    handlers = (
        urllib.request.ProxyHandler({} if is_here else None),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.UnknownHandler(),
    )
    for handler in handlers:
        opener.add_handler(handler)
    return opener


def _spans(batch: list[_Waiting], destination: Destination) -> Iterator[Span]:
    for number, one in enumerate(batch):
        if number % _STEP == 0:
            # A thread that computes keeps the interpreter for 5 ms at a time, and every stream waits for it: so let others pass.
            time.sleep(0)
        record = one.record
        if record.trace is not None:
            content = None if one.bodies is None else destination.content(record, one.bodies)
            yield from spans(record, record.trace, destination.places, content)


def _resource(destination: Destination) -> Attributes:
    return {
        "service.name": destination.service,
        "service.version": destination.version,
        "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
        "telemetry.sdk.name": "dragoman",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.version": destination.version,
    }


def _shown(url: str) -> str:
    """The address without a password or a query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"
