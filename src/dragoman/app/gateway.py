"""A whole gateway in one call: composed, served, and taken down in the right order."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping

from dragoman.app.compose import Composed, compose
from dragoman.config.load import Loaded
from dragoman.config.schema import Config
from dragoman.core.handle import handle
from dragoman.observe.observer import Observer
from dragoman.policy.price import step
from dragoman.server.app import App
from dragoman.server.serve import Address, run, serve
from dragoman.server.settings import Limits, ServerSettings


def run_gateway(loaded: Loaded, env: Mapping[str, str], on_ready: Callable[[str], None]) -> None:
    """Serve until a signal says stop. `on_ready` is told the address, as clients on this machine type it.

    Raises GatewayError(config) if the port is taken or the address may not be listened on.
    """
    logging.basicConfig(level=loaded.config.log.level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    run(_serve(loaded.config, env, on_ready))


async def _serve(config: Config, env: Mapping[str, str], on_ready: Callable[[str], None]) -> None:
    log = config.log
    observer = Observer(sys.stdout if log.exchanges else None, color=log.color, warnings=log.warnings, step=step)
    async with observer, compose(config, env, observer) as composed:
        await serve(_app(config, composed), lambda address: on_ready(_told(address)), is_exposed=config.server.allow_open)


def _app(config: Config, composed: Composed) -> App[Composed]:
    return App(
        lambda: composed,
        lambda current, inbound, outbound: handle(current.runtime, inbound, outbound),
        lambda current: current.about,
        server_settings(config),
    )


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
