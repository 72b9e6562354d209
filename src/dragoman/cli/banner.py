"""What start-up tells: what was found, where it listens, who may ask, and what to type next. Never a key."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

import click

from dragoman import __version__
from dragoman.cli.columns import aligned
from dragoman.config.load import Loaded
from dragoman.config.routing_schema import Strategy
from dragoman.config.schema import Config, Provider, Target, VirtualModel
from dragoman.profiles.registry import profile

_SHOWN = 8
_USUAL = "http://127.0.0.1:8080"
_BELOW = "also /openai and /v1, with /responses, /chat/completions and /models below"
_NARROW = 12


def banner(loaded: Loaded, address: str) -> str:
    """The whole text. `address` is scheme, host and port as a client on this machine types them."""
    head = [click.style(f"dragoman {__version__}", bold=True), ""]
    where = _section("address", [f"{address}/openai/v1", click.style(_BELOW, dim=True)]) + _section("logs", [f"{address}/logs"])
    return "\n".join([*head, *found(loaded), *where, "", *_next(loaded.config, address), ""])


def found(loaded: Loaded) -> list[str]:
    """Which config, providers, models and access there are, and what is worth a warning."""
    sections = {
        "config": _config(loaded),
        "providers": _providers(loaded),
        "models": _models(loaded.config),
        "access": _access(loaded.config),
    }
    warnings = [f"  {click.style('!', fg='yellow')} {sentence}" for sentence in loaded.warnings]
    return [line for name, told in sections.items() for line in _section(name, told)] + warnings


def _section(name: str, told: Iterable[str]) -> list[str]:
    margins = (click.style(f"{name:<{_NARROW}}", fg="cyan"), " " * _NARROW)
    return [f"  {margins[min(index, 1)]}{line}" for index, line in enumerate(told)]


def _config(loaded: Loaded) -> list[str]:
    return [str(loaded.path) if loaded.path else "no dragoman.yaml: using the environment"]


def _providers(loaded: Loaded) -> list[str]:
    variables = {one.provider: one.variable for one in loaded.found}
    width = max(map(len, loaded.config.providers), default=0)
    return [f"{name:<{width}}  {_source(name, provider, variables.get(name))}" for name, provider in loaded.config.providers.items()] or [
        "none"
    ]


def _source(name: str, provider: Provider, variable: str | None) -> str:
    if profile(provider.kind).builtin:
        return "built in: answers every model name, offline; a real one is found by its key, as OPENAI_API_KEY"
    origins = [variable] if variable else [given.key.origin for given in provider.keys]
    several = f"{len(origins)} keys" if len(origins) > 1 else "key"
    key = f"{several} from {', '.join(dict.fromkeys(origins))}" if origins else "no key"
    return " · ".join(filter(None, (provider.kind if provider.kind != name else "", _shown(provider.base_url), key)))


def _shown(url: str | None) -> str:
    """The address without what may be secret in it: user, password, query."""
    parts = urlsplit(url or "")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if url else ""


def _models(config: Config) -> list[str]:
    if not config.models:
        return ["any name: to the provider whose family it is, else to the only provider; `provider/model` names one"]
    told = aligned([(name, f"→ {shown_targets(model)}") for name, model in config.models.items()])
    return told[:_SHOWN] + ([f"and {len(told) - _SHOWN} more: `dragoman models`"] if len(told) > _SHOWN else [])


def shown_targets(model: str | VirtualModel) -> str:
    """Where a virtual model goes: its targets with what tells them apart, then its fallbacks, and how many rules come before."""
    if isinstance(model, str):
        return model
    targets = [Target(one) if isinstance(one, str) else one for one in model.targets]
    mark = _MARKS.get(model.strategy)
    told = [f"{one.model}{mark(one) if mark and len(targets) > 1 else ''}" for one in targets]
    strategy = f"{model.strategy}: " if len(targets) > 1 and model.strategy != "weighted" else ""
    fallbacks = f", else {', '.join(model.fallbacks)}" if model.fallbacks else ""
    rules = f" · {len(model.rules)} rule{'s' if len(model.rules) > 1 else ''}" if model.rules else ""
    return f"{strategy}{', '.join(told)}{fallbacks}{rules}"


_MARKS: dict[Strategy, Callable[[Target], str]] = {
    "weighted": lambda target: f" ({target.weight})",
    "priority": lambda target: f" ({target.priority})",
    "tiered": lambda target: f" ({target.tier})",
}
"""What a strategy reads of a target."""


def _access(config: Config) -> list[str]:
    if config.access.keys:
        names = ", ".join(key.name for key in config.access.keys)
        return [f"closed: {len(config.access.keys)} client key{'s' if len(config.access.keys) > 1 else ''} ({names})"]
    if config.server.allow_open:
        return [click.style("open to whoever reaches this port, as you said", fg="yellow")]
    return ["open, on this machine only: no key is asked for"]


def _next(config: Config, address: str) -> list[str]:
    key = ' -H "authorization: Bearer $DRAGOMAN_KEY"' if config.access.keys else ""
    curl = f"curl -N {address}/v1/chat/completions -H 'content-type: application/json'{key} \\"
    body = '  -d \'{"model":"gpt-4","stream":true,"messages":[{"role":"user","content":"hello"}]}\''
    gateway = "" if address == _USUAL else f" --gateway {address}"
    return ["  next, in another terminal:", f'    dragoman codex{gateway} "what is in this folder?"', f"    {curl}", f"    {body}"]
