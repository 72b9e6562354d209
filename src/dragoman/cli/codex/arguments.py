"""Reads a Codex command line: does it need a gateway, would it lead past it, and what is put in front of it.

Pure. The facts were measured with Codex 0.169.0 (https://developers.openai.com/codex/cli/reference): flags after a subcommand
win over flags before it, so what the user says later wins over what we say first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Literal

import msgspec

PROVIDER = "dragoman"
KEY_VARIABLE = "DRAGOMAN_KEY"

Way = Literal["gateway", "alone", "refused"]


class Reading(msgspec.Struct, frozen=True):
    """What a command line asks for. way: run it against a gateway, run it alone (it asks no model), or refuse it for `reason`.
    subcommand: None for the TUI. model: what `-m` or `-c model=` names, None if neither stands there."""

    way: Way
    reason: str = ""
    subcommand: str | None = None
    model: str | None = None
    profile: str | None = None


class Door(msgspec.Struct, frozen=True):
    """Where the gateway is and what its journal calls this process. key_command: prints the key, which makes Codex fetch the
    gateway's catalogue too; (): Codex reads the key from the environment. catalogue: a file that holds the whole catalogue."""

    address: str
    run: str
    key_command: tuple[str, ...] = ()
    catalogue: str = ""


def read_arguments(arguments: list[str]) -> Reading:
    """Say what this command line asks for. Never raises: what it does not know goes to Codex as it stands."""
    flags = list(_flags(arguments))
    subcommand = _subcommand(arguments)
    if subcommand in _ALONE or any(flag in _HELP for flag, _ in flags):
        return Reading("alone", subcommand=subcommand)
    reason = _ELSEWHERE.get(subcommand or "") or next(filter(None, (_escape(flag, value) for flag, value in flags)), "")
    way: Way = "refused" if reason else "gateway"
    return Reading(way, reason, subcommand, model=_last_model(flags), profile=_last(flags, ("-p", "--profile")))


def options_of(arguments: list[str]) -> list[tuple[str, str]]:
    """(option, value) of every option before `--`; "" where it has no value of its own, or none that we know of."""
    return list(_flags(arguments))


def door_arguments(door: Door) -> list[str]:
    """The `-c` flags that make a gateway Codex's provider; they stand before everything else.

    The provider's name is not "OpenAI": that name switches on compaction by the provider. The retries are few, since the gateway
    retries itself and knows better.
    """
    command, *arguments = door.key_command or ("",)
    table = {
        "name": "Dragoman",
        "base_url": f"{door.address}/openai/v1",
        **({"auth": {"command": command, "args": arguments}} if command else {"env_key": KEY_VARIABLE}),
        "wire_api": "responses",
        "http_headers": {"x-dragoman-run": door.run},
        "request_max_retries": 2,
        "stream_max_retries": 3,
        "stream_idle_timeout_ms": 300_000,
    }
    catalogue = ["-c", f"model_catalog_json={_toml(door.catalogue)}"] if door.catalogue else []
    return ["-c", f'model_provider="{PROVIDER}"', "-c", f"model_providers.{PROVIDER}={_toml(table)}", *catalogue]


def _toml(value: object) -> str:
    if isinstance(value, dict):
        pairs = ", ".join(f"{json.dumps(name)} = {_toml(inner)}" for name, inner in value.items())  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        return f"{{{pairs}}}"
    return json.dumps(value)


def _flags(arguments: list[str]) -> Iterator[tuple[str, str]]:
    """(flag, value) of every option before `--`; "" where it has no value of its own."""
    rest = iter(arguments)
    for word in rest:
        if word == "--":
            return
        flag, value = _split(word)
        if value is None and flag in WITH_VALUE:
            value = next(rest, "")
        if flag.startswith("-"):
            yield flag, value or ""


def _split(word: str) -> tuple[str, str | None]:
    """`--flag=value`, `-fvalue` and `-f=value` as flag and value; None: no value in this word."""
    if word.startswith("--"):
        flag, equals, value = word.partition("=")
        return flag, value if equals else None
    if word.startswith("-") and len(word) > 2 and word[:2] in WITH_VALUE:
        return word[:2], word[2:].removeprefix("=")
    return word, None


def _subcommand(arguments: list[str]) -> str | None:
    """The first word that is neither an option nor an option's value, if it is the name of a command."""
    skip_values = skip_one = False
    for word in arguments:
        if word == "--":
            return None
        if word.startswith("-") and word != "-":
            flag, value = _split(word)
            skip_one = value is None and flag in WITH_VALUE
            skip_values = flag in _WITH_VALUES
        elif skip_one or skip_values:
            skip_one = False
        else:
            return word if word in _COMMANDS else None
    return None


def _escape(flag: str, value: str) -> str:
    """Why this option would lead past the gateway, or ""."""
    if flag in ("-c", "--config"):
        return _escape_by_setting(value)
    return _ESCAPES.get(flag, "")


def _escape_by_setting(setting: str) -> str:
    key, _, value = (part.strip() for part in setting.partition("="))
    if key == "model_provider" and value.strip("\"'") == PROVIDER:
        return ""
    first, *rest = key.split(".")
    redirects = first in _REDIRECTING or (first == "model_providers" and _redirects_provider(rest))
    if not redirects:
        return ""
    return f"`-c {key}=…` would lead Codex past the gateway: leave it out, or run `codex` itself"


def _redirects_provider(path: list[str]) -> bool:
    if not path:
        return True
    return path[0] == PROVIDER and (len(path) == 1 or path[1] not in _FREE_SETTINGS)


def _last_model(flags: list[tuple[str, str]]) -> str | None:
    named = [value.partition("=")[2].strip().strip("\"'") for flag, value in flags if flag in ("-c", "--config") and _key(value) == "model"]
    return _last(flags, ("-m", "--model")) or (named[-1] if named else None)


def _key(setting: str) -> str:
    return setting.partition("=")[0].strip()


def _last(flags: list[tuple[str, str]], names: tuple[str, ...]) -> str | None:
    values = [value for flag, value in flags if flag in names]
    return values[-1] if values else None


_HELP = frozenset({"-h", "--help", "-V", "--version"})
_WITH_VALUES = frozenset({"-i", "--image"})
WITH_VALUE = _WITH_VALUES | {
    *("-c", "--config", "--enable", "--disable", "--remote", "--remote-auth-token-env", "-m", "--model", "--local-provider"),
    *("-p", "--profile", "-s", "--sandbox", "-C", "--cd", "--add-dir", "-a", "--ask-for-approval", "-o", "--output-last-message"),
    *("--output-schema", "--color", "--thread-source", "--cyber-access-program"),
}
"""Options whose value may be a word of its own."""
_ALONE = frozenset({
    *("login", "logout", "mcp", "plugin", "completion", "update", "doctor", "sandbox", "debug", "apply", "a", "archive", "unarchive"),
    *("delete", "migrate-rollouts", "migrate-nfs-db", "exec-server", "features", "help"),
})  # fmt: skip
_ELSEWHERE = {
    "cloud": "`codex cloud` runs at OpenAI, so its models are not asked through a gateway: run `codex cloud` itself",
    "queue": "`codex queue` hands its message to a background Codex that does not know this gateway: run `codex queue` itself",
    "remote-control": "`codex remote-control` starts a background Codex that outlives this gateway: run `codex remote-control` itself",
}
_ON_GATEWAY = frozenset({"exec", "e", "review", "resume", "fork", "agents", "app-server", "mcp-server", "proto"})
_COMMANDS = _ALONE | _ON_GATEWAY | frozenset(_ELSEWHERE)
_ESCAPES = {
    "--oss": "`--oss` makes Codex talk to a local server of its own choice, past the gateway: leave it out, and give that server"
    " to the gateway as a provider (`kind: openai-compatible`, its `base_url`)",
    "--remote": "`--remote` hands the session to another Codex server, whose models are not asked through this gateway: leave it"
    " out, or run `codex --remote` itself",
}
_REDIRECTING = frozenset({"model_provider", "openai_base_url", "oss_provider"})
_FREE_SETTINGS = frozenset({"request_max_retries", "stream_max_retries", "stream_idle_timeout_ms"})
