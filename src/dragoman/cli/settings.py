"""What the commands want to know of `dragoman.yaml` without starting anything."""

from __future__ import annotations

from collections.abc import Mapping

from dragoman.config.load import load

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}
_DEFAULT_PORT = 8080


def configured_address(config: str | None, env: Mapping[str, str]) -> str:
    """Where the configured gateway would be found from this machine. Raises ConfigError."""
    server = load(config, env).config.server
    host = _EVERYWHERE.get(server.host, f"[{server.host}]" if ":" in server.host else server.host)
    return f"http://{host}:{server.port or _DEFAULT_PORT}"
