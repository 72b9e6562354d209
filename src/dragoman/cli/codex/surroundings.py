"""What governs Codex from outside its command line: its home, the administrator's file, the proxy variables."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dragoman.cli.codex.arguments import PROVIDER
from dragoman.config.folders import home

MANAGED = Path("/etc/codex/managed_config.toml")
"""The administrator's file; it wins over `-c` flags."""
_NOT_BESIDE_A_COMMAND = ("env_key", "experimental_bearer_token", "requires_openai_auth")
_PROXY_VARIABLES = {
    "http": ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"),
    "https": ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"),
}


def codex_home(env: Mapping[str, str]) -> Path:
    """The directory of Codex's own settings."""
    return Path(env.get("CODEX_HOME") or home(env) / ".codex")


def configured_models(env: Mapping[str, str], profile: str | None) -> list[str]:
    """The models that the user's own settings name: of the profile, of its file, of `config.toml`."""
    home = codex_home(env)
    settings = _read(home / "config.toml")
    tables = [_table(_table(settings, "profiles"), profile), _read(home / f"{profile}.config.toml") if profile else {}, settings]
    named = [table.get(key) for table in tables for key in ("model", "review_model")]
    return [name for name in named if isinstance(name, str)]


def _table(table: Mapping[str, Any], key: str | None) -> dict[str, Any]:
    inner = table.get(key or "")
    return inner if isinstance(inner, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def settings_against_a_command(env: Mapping[str, str]) -> list[str]:
    """The settings of the user's own `model_providers.dragoman` that Codex does not take beside a command that prints the key."""
    home = codex_home(env)
    files = [home / "config.toml", *sorted(home.glob("*.config.toml"))]
    tables = [_table(_table(_read(file), "model_providers"), PROVIDER) for file in files]
    return [name for name in _NOT_BESIDE_A_COMMAND if any(name in table for table in tables)]


def has_own_catalogue(env: Mapping[str, str]) -> bool:
    """Whether the user's settings name a catalogue of models themselves."""
    return "model_catalog_json" in _read(codex_home(env) / "config.toml")


def managed_provider(path: Path) -> str | None:
    """The provider that the administrator's file prescribes, or None. A file that cannot be read prescribes nothing."""
    table = _read(path)
    providers = table.get("model_providers")
    if isinstance(providers, dict) and PROVIDER in providers:
        return PROVIDER
    name = table.get("model_provider")
    return name if isinstance(name, str) else None


def _read(path: Path) -> dict[str, Any]:
    """A settings file; empty if it cannot be read."""
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}


def proxies_before(env: Mapping[str, str], address: str) -> list[str]:
    """The variables that are set and would catch what Codex sends to this address; loopback is no exception to it."""
    return [name for name in _PROXY_VARIABLES.get(urlsplit(address).scheme, ()) if env.get(name)]


def past_proxies(env: Mapping[str, str], address: str) -> dict[str, str]:
    """NO_PROXY in both spellings, with the host of this address added, if a proxy would catch what is sent there."""
    if not proxies_before(env, address):
        return {}
    host = urlsplit(address).hostname or ""
    named = [*_listed(env.get("NO_PROXY")), *_listed(env.get("no_proxy")), "127.0.0.1", "localhost", "::1", host]
    value = ",".join(dict.fromkeys(named))
    return {"NO_PROXY": value, "no_proxy": value}


def _listed(value: str | None) -> list[str]:
    return [part.strip() for part in (value or "").split(",") if part.strip()]
