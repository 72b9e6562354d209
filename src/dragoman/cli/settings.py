"""What the commands want to know of `dragoman.yaml` without starting anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dragoman.config.load import load
from dragoman.config.schema import Server

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}


def configured_address(config: str | None, env: Mapping[str, str]) -> str:
    """Where the configured gateway would be found from this machine. Raises ConfigError."""
    server = load(config, env).config.server
    return _address(server.host, server.port)


def address_in(settings: Any) -> str:
    """The same from the settings as they are written, whether or not they could be used."""
    server: Any = settings.get("server") if isinstance(settings, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    given: dict[str, Any] = server if isinstance(server, dict) else {}  # pyright: ignore[reportUnknownVariableType]
    host, port = given.get("host"), given.get("port")
    return _address(host if isinstance(host, str) else Server().host, port if isinstance(port, int) else Server().port)


def _address(host: str, port: int) -> str:
    name = _EVERYWHERE.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{name}:{port or Server().port}"
