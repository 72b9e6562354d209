"""Whether a config that has the right form makes sense. Every check looks at everything, so that all is told at once."""

from __future__ import annotations

import re

from dragoman.config.check_models import check_models
from dragoman.config.check_prices import check_prices
from dragoman.config.check_providers import check_providers
from dragoman.config.check_telemetry import check_telemetry
from dragoman.config.problems import Findings, Problem
from dragoman.config.schema import Access, Config, Server
from dragoman.wire.hosts import is_loopback

_ORIGIN = re.compile(r"https?://[^/?#\s*@]+")
_HOST = re.compile(r"(\*\.)?[A-Za-z0-9._-]+|\[?[0-9A-Fa-f:]+\]?")
_DATABASE = re.compile(r"none|sqlite:///.+|postgres(ql)?://.+", re.DOTALL)
_SHORT_KEY = 16


def check(config: Config, findings: Findings) -> None:
    """Note in `findings` everything that cannot work (and, as warnings, what may not be meant)."""
    check_providers(config, findings)
    check_models(config, findings)
    check_prices(config, findings)
    check_telemetry(config.telemetry, findings)
    _check_database(config, findings)
    _check_access(config, findings)
    _check_server(config.server, findings)


def exposure(server: Server, access: Access) -> Problem | None:
    """The problem of listening beyond this machine without any client key, unless config allows just that."""
    if access.keys or server.allow_open or is_loopback(server.host.lower().strip("[]")):
        return None
    return Problem(
        "server.host",
        f"`{server.host}` can be reached from other machines, and without `access.keys` everyone who reaches it spends your keys",
        "add `access: {keys: [{name: ada, key: $ADA_KEY}]}`, listen on 127.0.0.1, or set `server.allow_open: true`",
    )


def _check_database(config: Config, findings: Findings) -> None:
    if config.database is not None and config.database and not _DATABASE.fullmatch(config.database.reveal()):
        findings.refuse(
            ("database",), "is no database that is known here", "write `sqlite:///path/journal.db`, `postgresql://user@host/name` or `none`"
        )


def _check_access(config: Config, findings: Findings) -> None:
    names: dict[str, int] = {}
    keys: dict[bytes, int] = {}
    upstream = {given.key.digest(): name for name, provider in config.providers.items() for given in provider.keys if given.key}
    for index, client in enumerate(config.access.keys):
        path = ("access", "keys", index)
        if client.name and names.setdefault(client.name, index) != index:
            findings.refuse(
                (*path, "name"), f"`{client.name}` has a key already (keys[{names[client.name]}])", "give each key its own name"
            )
        if not client.key:
            continue
        digest = client.key.digest()
        if keys.setdefault(digest, index) != index:
            findings.refuse((*path, "key"), f"is the same key as keys[{keys[digest]}]", "give each client its own key")
        if digest in upstream:
            findings.warn((*path, "key"), f"is also the key of provider `{upstream[digest]}`", "give clients a key of their own")
        if len(client.key.reveal()) < _SHORT_KEY:
            findings.warn((*path, "key"), f"is shorter than {_SHORT_KEY} characters", "take a long random one (`openssl rand -hex 24`)")


def _check_server(server: Server, findings: Findings) -> None:
    if server.host and not _HOST.fullmatch(server.host):
        findings.refuse(("server", "host"), "is no address", "write a name or an address without port, as `127.0.0.1` or `0.0.0.0`")
    for index, host in enumerate(server.allowed_hosts):
        if host and not _HOST.fullmatch(host):
            findings.refuse(
                ("server", "allowed_hosts", index), "is no host name", "write it without scheme, port and path, as `gateway.example.com`"
            )
    for index, origin in enumerate(server.allowed_origins):
        if origin and not _ORIGIN.fullmatch(origin):
            findings.refuse(
                ("server", "allowed_origins", index), "is no origin", "write scheme, host and port only, as `https://app.example.com`"
            )
