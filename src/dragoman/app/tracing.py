"""Traces of one gateway put together: what config says of them, as exchanges and the exporter need it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from functools import partial
from urllib.parse import urlsplit

from dragoman import __version__
from dragoman.config.schema import Config
from dragoman.config.telemetry_schema import Otlp
from dragoman.observe.content import read_content
from dragoman.observe.exporter import Destination
from dragoman.observe.redact import Redactor
from dragoman.observe.spans import Place, no_content
from dragoman.observe.tracing import Tracing
from dragoman.profiles.registry import profile
from dragoman.upstream.origin import Origin

_PATH = "/v1/traces"


def tracing(config: Config) -> Tracing | None:
    """How exchanges take part in traces; None where nobody is told."""
    otlp = config.telemetry.otlp
    if otlp.endpoint is None:
        return None
    return Tracing(bits=random.getrandbits, draw=random.random, sample=otlp.sample, propagates=otlp.propagate)


def tells_content(config: Config) -> bool:
    """Whether spans hold what was said."""
    otlp = config.telemetry.otlp
    return otlp.endpoint is not None and otlp.content


def destination(config: Config) -> Destination | None:
    """Where spans go; None: nowhere."""
    otlp = config.telemetry.otlp
    if otlp.endpoint is None:
        return None
    return Destination(
        url=_url(otlp),
        headers=tuple((name, value.reveal()) for name, value in otlp.headers.items()),
        timeout_s=otlp.timeout_s,
        queue=otlp.queue,
        service=otlp.service_name,
        version=__version__,
        places=places(config),
        content=partial(read_content, redact=Redactor(secrets(config)).redact) if otlp.content else no_content,
    )


def secrets(config: Config) -> Iterator[str]:
    """Texts that must never be told or written, wherever they turn up."""
    for provider in config.providers.values():
        yield from (given.key.reveal() for given in provider.keys)
    yield from (client.key.reveal() for client in config.access.keys)
    yield from (value.reveal() for value in config.telemetry.otlp.headers.values())


def places(config: Config) -> Mapping[str, Place]:
    """Each provider as the conventions know it."""
    found: dict[str, Place] = {}
    for name, provider in config.providers.items():
        known = profile(provider.kind)
        base_url = provider.base_url or known.base_url
        origin = Origin.parse(base_url)[0] if base_url is not None and "{" not in base_url else None
        convention = known.convention or known.kind
        found[name] = Place(convention, *((origin.host, origin.port) if origin is not None else (None, None)))
    return found


def _url(otlp: Otlp) -> str:
    """The whole address: OTLP's own path, where none is given."""
    endpoint = otlp.endpoint or ""
    return endpoint if urlsplit(endpoint).path.strip("/") else endpoint.rstrip("/") + _PATH
