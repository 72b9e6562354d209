"""Reads Codex's own settings as Codex would, and says where they lead. Works on the parsed table; asks nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from dragoman.cli.doctor.finding import Finding, ok, problem, warning
from dragoman.cli.doctor.place import Looker, is_at, judge_base_url

_BUILT_IN = "openai"
_COMPACTING_NAME = "OpenAI"
_CHAT_REFUSED = (
    'Codex refuses it: "`wire_api = "chat"` is no longer supported. How to fix: set `wire_api = "responses"` in your provider config."'
)


class Settings(msgspec.Struct, frozen=True):
    """table: the parsed config.toml. login: the kind of stored login, None without one. project: the parsed `.codex/config.toml` of
    the working directory. profiles: the parsed `<name>.config.toml` files by name."""

    table: dict[str, Any]
    login: str | None = None
    project: dict[str, Any] = {}
    profiles: dict[str, dict[str, Any]] = {}


def check_settings(settings: Settings, gateway: str, env: Mapping[str, str], look: Looker) -> Iterator[Finding]:
    """Where does `codex`, typed by itself, go?"""
    table = settings.table
    yield from _check_selected(table, settings.login, gateway, env, look)
    yield from _check_project(settings.project)
    for name, profile in settings.profiles.items():
        yield from _check_profile(name, profile, table, gateway)


def _check_selected(table: dict[str, Any], login: str | None, gateway: str, env: Mapping[str, str], look: Looker) -> Iterator[Finding]:
    providers = _table(table.get("model_providers"))
    selected = table.get("model_provider", _BUILT_IN)
    if _BUILT_IN in providers:
        yield problem(
            f"model_providers.{_BUILT_IN}", "Codex keeps this name for itself and refuses to start", "rename it, for example to `dragoman`"
        )
    if selected == _BUILT_IN:
        yield from _check_built_in(table, providers, login, gateway, look)
    elif selected not in providers:
        yield problem("model_provider", f"is `{selected}`, and there is no `[model_providers.{selected}]`", _block(gateway))
    else:
        yield from _check_provider(f"model_providers.{selected}", _table(providers[selected]), gateway, env, look)
        if login == "chatgpt" and _table(providers[selected]).get("requires_openai_auth"):
            yield _login_travels()


def _check_built_in(table: dict[str, Any], providers: dict[str, Any], login: str | None, gateway: str, look: Looker) -> Iterator[Finding]:
    url = table.get("openai_base_url")
    if url:
        yield judge_base_url("openai_base_url", str(url), gateway, look)
        if login == "chatgpt":
            yield _login_travels()
        return
    leading = [name for name, provider in providers.items() if is_at(str(_table(provider).get("base_url", "")), gateway)]
    if leading:
        yield problem(
            "model_provider",
            f"is not set, so `[model_providers.{leading[0]}]` is not used",
            f'add `model_provider = "{leading[0]}"` at the top',
        )
        return
    place = "chatgpt.com with the stored login" if login == "chatgpt" else "api.openai.com"
    yield warning(
        "codex by itself",
        f"goes to {place}, not to the gateway",
        f"type `dragoman codex`, or put this into config.toml:\n{_block(gateway)}",
    )


def _check_provider(about: str, provider: dict[str, Any], gateway: str, env: Mapping[str, str], look: Looker) -> Iterator[Finding]:
    wire_api = provider.get("wire_api", "responses")
    if wire_api != "responses":
        refused = _CHAT_REFUSED if wire_api == "chat" else "Codex refuses to start"
        yield problem(
            f"{about}.wire_api", f"is `{wire_api}`; {refused}", 'write `wire_api = "responses"`; the gateway translates for the provider'
        )
    url = provider.get("base_url")
    if not url:
        yield problem(
            f"{about}.base_url", "is missing: Codex would wait for the network without end", f'write `base_url = "{gateway}/openai/v1"`'
        )
    else:
        yield judge_base_url(f"{about}.base_url", str(url), gateway, look)
    if provider.get("name") == _COMPACTING_NAME:
        yield warning(
            f"{about}.name",
            f'"{_COMPACTING_NAME}" makes Codex leave compaction to the provider, which only OpenAI can do: long sessions end in an error',
            'give it another name, for example `name = "Dragoman"`',
        )
    if provider.get("supports_websockets"):
        yield warning(f"{about}.supports_websockets", "makes Codex knock in vain once per turn; the gateway speaks HTTP", "leave it out")
    yield from _check_env_key(about, provider, env)


def _check_env_key(about: str, provider: dict[str, Any], env: Mapping[str, str]) -> Iterator[Finding]:
    name = provider.get("env_key")
    if isinstance(name, str) and not env.get(name):
        yield problem(
            f"{about}.env_key",
            f'`{name}` is not set: Codex ends with "Missing environment variable: `{name}`"',
            f"export {name}=dragoman (any word will do while the gateway has no `access.keys`), or leave `env_key` out",
        )


def _check_project(project: dict[str, Any]) -> Iterator[Finding]:
    ignored = [name for name in ("model_provider", "model_providers", "openai_base_url") if name in project]
    if ignored:
        yield warning(
            ".codex/config.toml", f"sets `{'`, `'.join(ignored)}`, which Codex takes only from the user's own config.toml", "move it there"
        )


def _check_profile(name: str, profile: dict[str, Any], table: dict[str, Any], gateway: str) -> Iterator[Finding]:
    selected = profile.get("model_provider")
    if selected is None:
        return
    providers = {**_table(table.get("model_providers")), **_table(profile.get("model_providers"))}
    url = str(_table(providers.get(str(selected))).get("base_url") or profile.get("openai_base_url") or "")
    if is_at(url, gateway):
        yield ok(f"profile {name}", "leads to the gateway")
    else:
        yield warning(
            f"profile {name}",
            f"`codex --profile {name}` goes to `{url or selected}`",
            f"`dragoman codex --profile {name}` takes its model and goes to the gateway",
        )


def _login_travels() -> Finding:
    return warning(
        "stored login",
        "Codex sends the stored ChatGPT token to this address; the gateway takes it for a client key and passes it to nobody",
        "use a `[model_providers.…]` block with `env_key`, or `dragoman codex`",
    )


def _block(gateway: str) -> str:
    return f"""model_provider = "dragoman"
[model_providers.dragoman]
name = "Dragoman"
base_url = "{gateway}/openai/v1"
wire_api = "responses\""""


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType]
