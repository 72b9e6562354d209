"""Sending spans: beside everything else, bounded, and never for ever."""

from __future__ import annotations

import http.server
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from dragoman.ir.record import Attempt, Bodies, Record, Trace
from dragoman.observe.exporter import Destination, Exporter

TRACE = Trace("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
RECORD = Record(id="ex_1", began_at=1000.0, trace=TRACE, path="/v1/responses", status=200)


class Collector(http.server.ThreadingHTTPServer):
    """Answers with the next of its statuses, the last one again and again."""

    daemon_threads = True

    def __init__(self, *statuses: int, stalls: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses = list(statuses or (200,))
        self.asked: list[tuple[str, dict[str, str], list[str]]] = []
        self.came = threading.Condition()
        self.release = threading.Event()
        if not stalls:
            self.release.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1/traces"

    def wait_for(self, count: int) -> None:
        with self.came:
            assert self.came.wait_for(lambda: len(self.asked) >= count, 120)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        request = ExportTraceServiceRequest()
        request.ParseFromString(body)
        names = [span.name for entry in request.resource_spans for scope in entry.scope_spans for span in scope.spans]
        with self.server.came:
            statuses = self.server.statuses
            status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
            self.server.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}, names))
            self.server.came.notify_all()
        self.server.release.wait(120)
        self.send_response(status)
        self.send_header("content-length", "0")
        self.send_header("location", "/elsewhere")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *_: object) -> None: ...


@contextmanager
def collecting(*statuses: int, stalls: bool = False) -> Iterator[Collector]:
    collector = Collector(*statuses, stalls=stalls)
    thread = threading.Thread(target=collector.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        collector.release.set()
        collector.shutdown()
        collector.server_close()
        thread.join()


@contextmanager
def exporting(destination: Destination | None, *, again_s: float = 0.001) -> Iterator[Exporter]:
    exporter = Exporter(gather_s=0.01, again_s=again_s)
    exporter.use(destination)
    try:
        yield exporter
    finally:
        exporter.close()


def outcomes(exporter: Exporter) -> tuple[int, int, int]:
    return exporter.sent, exporter.failed, exporter.dropped


def test_spans_reach_the_collector_with_its_headers() -> None:
    with collecting() as collector, exporting(Destination(collector.url, (("x-key", "s3cret"),), version="9")) as exporter:
        for _ in range(600):
            exporter.record(RECORD)
        exporter.close(120)

        assert sum(len(names) for _, _, names in collector.asked) == 600
        path, headers, names = collector.asked[0]
        assert (path, headers["x-key"], headers["content-type"]) == ("/v1/traces", "s3cret", "application/x-protobuf")
        assert set(names) == {"POST /v1/responses"}
        assert outcomes(exporter) == (600, 0, 0)


def test_what_is_not_sampled_or_not_traced_or_not_wanted_is_not_sent() -> None:
    with collecting() as collector, exporting(Destination(collector.url)) as exporter, exporting(None) as nowhere:
        exporter.record(msgspec.structs.replace(RECORD, trace=None))
        exporter.record(msgspec.structs.replace(RECORD, trace=Trace(TRACE.trace_id, TRACE.span_id, is_sampled=False)))
        nowhere.record(RECORD)
        exporter.close(120)

        assert (collector.asked, outcomes(exporter), outcomes(nowhere)) == ([], (0, 0, 0), (0, 0, 0))
        assert list(nowhere.families()) == []


def test_a_passing_fault_is_tried_again() -> None:
    with collecting(503, 429, 200) as collector, exporting(Destination(collector.url)) as exporter:
        exporter.record(RECORD)
        collector.wait_for(3)
        exporter.close(120)

        assert outcomes(exporter) == (1, 0, 0)


@pytest.mark.parametrize("status", [400, 401, 302])
def test_a_refusal_is_not_repeated_and_told_once(status: int, caplog: Any) -> None:
    with (
        collecting(status) as collector,
        exporting(Destination(collector.url + "?key=s3cret")) as exporter,
        caplog.at_level(logging.WARNING),
    ):
        exporter.record(RECORD)
        collector.wait_for(1)
        exporter.record(RECORD)
        exporter.close(120)

        assert sum(len(names) for _, _, names in collector.asked) == 2
        assert outcomes(exporter) == (0, 2, 0)
        assert [record.getMessage() for record in caplog.records] == [f"traces cannot be sent to `{collector.url}`: it answered {status}"]


def test_a_collector_that_hangs_holds_up_nobody_and_the_queue_has_a_bound() -> None:
    with collecting(stalls=True) as collector, exporting(Destination(collector.url, queue=5, timeout_s=20)) as exporter:
        exporter.record(RECORD)
        collector.wait_for(1)
        for _ in range(50):
            exporter.record(RECORD)

        assert exporter.dropped == 45
        collector.release.set()
        exporter.close(120)
        assert outcomes(exporter) == (6, 0, 45)


def test_a_collector_that_is_not_there_costs_spans_and_nothing_else() -> None:
    # Bound for as long as it is asked: a port that was let go may be another's in a moment.
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with exporting(Destination(f"http://127.0.0.1:{bound.getsockname()[1]}/v1/traces", timeout_s=1)) as exporter:
            exporter.record(RECORD)
            exporter.close(120)

            assert outcomes(exporter) == (0, 1, 0)


def test_a_reload_sends_elsewhere() -> None:
    with collecting() as one, collecting() as other, exporting(Destination(one.url)) as exporter:
        exporter.record(RECORD)
        one.wait_for(1)
        exporter.use(Destination(other.url))
        exporter.record(RECORD)
        other.wait_for(1)

        assert (len(one.asked), len(other.asked)) == (1, 1)


def test_no_secret_is_in_what_is_shown() -> None:
    assert repr(Destination("http://c", (("x-key", "s3cret"),))) == "Destination('http://c')"


def with_bodies(size_bytes: int = 3) -> Record:
    return msgspec.structs.replace(RECORD, attempts=[ATTEMPT], bytes_in=size_bytes, bodies=Bodies("full", b"hi!"))


ATTEMPT = Attempt("p", "m", 0.0, ended_s=1.0, span_id="1" * 16)


def said(record: Record, bodies: Bodies) -> dict[str, str]:
    return {"gen_ai.input.messages": (bodies.client_request or b"").decode()}


def test_what_was_said_is_told_even_if_another_takes_the_bodies_over() -> None:
    told: list[Bodies] = []

    def content(record: Record, bodies: Bodies) -> dict[str, str]:
        told.append(bodies)
        return said(record, bodies)

    with collecting() as collector, exporting(Destination(collector.url, content=content)) as exporter:
        record = with_bodies()
        exporter.record(record)
        record.bodies = None
        exporter.close(120)

    assert [bodies.client_request for bodies in told] == [b"hi!"]


def test_bodies_that_nobody_wants_or_has_room_for_are_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dragoman.observe.exporter._HELD_BYTES", 10)
    told: list[Bodies] = []

    def content(record: Record, bodies: Bodies) -> dict[str, str]:
        told.append(bodies)
        return {}

    with collecting(stalls=True) as collector, exporting(Destination(collector.url, content=content, timeout_s=20)) as exporter:
        exporter.record(RECORD)
        collector.wait_for(1)
        for size_bytes in (6, 6, 4, 1):
            exporter.record(with_bodies(size_bytes))
        collector.release.set()
        exporter.close(120)

        assert (len(told), outcomes(exporter)) == (2, (5, 0, 0))
