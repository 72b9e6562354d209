"""A whole gateway in one call: composed, served, kept in step with its config, and taken down in the right order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec

from dragoman.app.admin import Desk
from dragoman.app.asking import Asking
from dragoman.app.beside import beside
from dragoman.app.compose import Composed, compose, lasting
from dragoman.app.costs import counting
from dragoman.app.gauges import journal, refusals
from dragoman.app.keeping import database_url, keeper, opener
from dragoman.app.listing import Lists, Question, questions
from dragoman.app.metering import Meter
from dragoman.app.pages import pages
from dragoman.app.probe import Prober
from dragoman.app.reload import Reloader, Source
from dragoman.app.renewal import Renewal
from dragoman.app.revisions import Revisions
from dragoman.app.tracing import destination
from dragoman.config.load import Loaded, places
from dragoman.config.schema import Config
from dragoman.core.handle import handle
from dragoman.observe.exporter import Exporter
from dragoman.observe.jsonlog import JsonFormatter
from dragoman.observe.live import Live
from dragoman.observe.observer import Observer
from dragoman.policy.price import Steps
from dragoman.server.admin import Admin
from dragoman.server.app import App, Further, Refused, tell_nobody
from dragoman.server.door import Door
from dragoman.server.records import Records
from dragoman.server.serve import Address, run, serve
from dragoman.server.settings import Limits, ServerSettings
from dragoman.tasks import Tasks, spawn

Load = Callable[[Path | None], Loaded]
"""Reads the config of a file, or of the one that is found; raises ConfigError."""


def run_gateway(loaded: Loaded, load: Load, env: Mapping[str, str], on_ready: Callable[[str], None]) -> None:
    """Serve until a signal says stop. `load` reads the config again when it changed; `on_ready` is told the address, as clients on
    this machine type it.

    Raises GatewayError(config) if the port is taken or the address may not be listened on.
    """
    _log(loaded.config)
    run(_serve(loaded, load, env, on_ready))


def _log(config: Config) -> None:
    """What the program itself has to say goes to standard error."""
    logging.basicConfig(level=_level(config), format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    # What the tables of the journal go through concerns nobody unless it fails.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    if config.log.format == "json":
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonFormatter())


async def _serve(loaded: Loaded, load: Load, env: Mapping[str, str], on_ready: Callable[[str], None]) -> None:
    config, log = loaded.config, loaded.config.log
    steps = Steps(config.prices)
    stream = sys.stdout if log.exchanges else None
    observer = Observer(stream, color=log.color, warnings=log.warnings, format=log.format, count=counting(steps))
    source = Source(load, places(env, Path()), partial(Revisions.of, env=env))
    async with observer, _exporting() as exporter, lasting(env, observer) as shared:
        renewal = Renewal(shared.board)

        def use(config: Config) -> None:
            steps.learn(config.prices)
            renewal.learn(config)
            logging.getLogger().setLevel(_level(config))
            shared.board.settings = config.routing.breaker
            shared.sessions.most = config.routing.affinity.sessions
            app.use(server_settings(config))
            exporter.use(destination(config))
            if kept is not None:
                kept.use(config)

        reloader = Reloader(loaded, source, partial(compose, shared=shared), use=use)
        kept = keeper(config, env, lambda: reloader.current)
        also = (exporter.families, lambda: () if kept is None else journal(kept.journal.stats()), lambda: refusals(app.refusals))
        meter = Meter(steps, shared.lists, also=also)
        live = Live()
        admin = msgspec.structs.replace(Desk(reloader, env).admin(), metrics=meter.page)
        door = Door(lambda: reloader.current.about)
        url = database_url(config, env)
        asking = None if url is None else Asking(opener(url))
        refused = tell_nobody if kept is None else kept.refused
        further = Records(asking, door, beside).beside(pages(asking, live, door, lambda: reloader.current.about, refused))
        app = _app(config, reloader, admin, further, refused)
        meter.attach(lambda: reloader.current, lambda: reloader.state, lambda: (app.running, app.streams))
        observer.tell(meter.record)
        observer.tell(exporter.record)
        observer.tell(live.record, begun=live.begin)
        if kept is not None:
            # The last who is told: bodies are the journal's from then on.
            observer.tell(kept.record)
        async with reloader, kept or contextlib.nullcontext(), _background(shared.lists, reloader, meter) as begin:
            with _reloaded_by_signal(reloader), meter.lag, contextlib.closing(asking) if asking else contextlib.nullcontext():

                def ready(address: Address) -> None:
                    on_ready(_told(address))
                    begin()

                await serve(app, ready, is_exposed=config.server.allow_open)


def _app(config: Config, reloader: Reloader, admin: Admin, further: Further, refused: Refused) -> App[Composed]:
    return App(
        lambda: reloader.current,
        lambda current, inbound, outbound: handle(current.runtime, inbound, outbound),
        lambda current: current.about,
        server_settings(config),
        admin=admin,
        further=further,
        refused=refused,
    )


@contextlib.asynccontextmanager
async def _exporting() -> AsyncGenerator[Exporter]:
    """Takes traces; at the end those are sent that wait."""
    exporter = Exporter()
    try:
        yield exporter
    finally:
        await asyncio.to_thread(exporter.close)


@contextlib.asynccontextmanager
async def _background(lists: Lists, reloader: Reloader, meter: Meter) -> AsyncGenerator[Callable[[], None]]:
    """Keeps what providers list up to date, and probes them where config wants it, from the moment on that what it gives is called; a
    runtime is made anew where a list changed."""
    tasks = Tasks("background")

    def ask() -> Sequence[Question]:
        return questions(reloader.current.config, reloader.current.runtime.deploy)

    def begin() -> None:
        spawn(lists.keep(ask, reloader.renew), name="list models", owner=tasks)
        spawn(Prober(lambda: reloader.current).keep(), name="probe", owner=tasks)
        spawn(meter.keep(), name="price what is counted", owner=tasks)

    try:
        yield begin
    finally:
        await tasks.close()


@contextlib.contextmanager
def _reloaded_by_signal(reloader: Reloader) -> Generator[None]:
    """SIGHUP reloads, as it does with daemons; but where it means that our terminal is gone, it ends us, as it does by default."""
    loop = asyncio.get_running_loop()
    terminals = [number for number in (0, 1, 2) if os.isatty(number)]

    def on_hangup() -> None:
        if any(not os.isatty(number) for number in terminals):
            signal.raise_signal(signal.SIGTERM)
        else:
            reloader.ask()

    loop.add_signal_handler(signal.SIGHUP, on_hangup)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)


def _level(config: Config) -> str:
    return config.log.level.upper()


def server_settings(config: Config) -> ServerSettings:
    """What the server needs to know of the config."""
    server = config.server
    limits = server.limits
    return ServerSettings(
        host=server.host,
        port=server.port,
        allowed_hosts=server.allowed_hosts,
        allowed_origins=server.allowed_origins,
        shutdown_grace_s=server.shutdown_grace_s,
        max_running=server.max_running,
        limits=Limits(
            body_bytes=limits.body_bytes,
            header_bytes=limits.header_bytes,
            header_count=limits.header_count,
            head_s=limits.header_s,
            body_s=limits.body_s,
            connections=limits.connections,
        ),
    )


def _told(address: Address) -> str:
    """The address for a client on this machine: one that listens everywhere is reached at loopback."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.host, address.host)
    return Address(host, address.port).url
