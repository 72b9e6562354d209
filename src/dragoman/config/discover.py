"""Providers without a config: those whose keys are in the environment, else the built-in one that answers everything."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from dragoman.config.routing_schema import ProviderKey
from dragoman.config.schema import Provider
from dragoman.config.secrets import SecretFault, SecretReader
from dragoman.profiles.contract import Profile
from dragoman.profiles.registry import kinds, profile


class Found(msgspec.Struct, frozen=True):
    """A provider that was found, and the variable that holds its key (None: it needs none)."""

    provider: str
    variable: str | None


class Discovery(msgspec.Struct, frozen=True):
    """Providers by name, where each was found, and what is worth a warning."""

    providers: dict[str, Provider]
    found: tuple[Found, ...]
    warnings: tuple[str, ...]


def discover(env: Mapping[str, str]) -> Discovery:
    """The providers whose keys `env` has, named for their kinds; without any, the built-in one."""
    secrets = SecretReader(env, Path())
    providers: dict[str, Provider] = {}
    found: list[Found] = []
    warnings: list[str] = []
    for facts in (profile(kind) for kind in kinds()):
        variable = _variable(facts, env)
        if variable is None:
            continue
        try:
            key = secrets.secret(f"${variable}")
        except SecretFault as fault:
            warnings.append(f"`{variable}` is left out: {fault.reason}")
            continue
        providers[facts.kind] = Provider(kind=facts.kind, keys=(ProviderKey(key),))
        found.append(Found(facts.kind, variable))
        warnings.extend(_ignored_addresses(facts, env))
    if not providers:
        providers = {kind: Provider(kind=kind) for kind in kinds() if profile(kind).builtin}
        found = [Found(name, None) for name in providers]
    return Discovery(providers, tuple(found), tuple(warnings))


def _variable(facts: Profile, env: Mapping[str, str]) -> str | None:
    return next((name for name in facts.env if env.get(name, "").strip()), None)


def _ignored_addresses(facts: Profile, env: Mapping[str, str]) -> list[str]:
    """Addresses that clients read: followed here they would send the gateway to itself, so they are not."""
    return [
        f"`{name}` is set and not followed, as it may point at this gateway: `{facts.kind}` is asked at {facts.base_url}; "
        f"to send it elsewhere write `base_url` into dragoman.yaml"
        for name in facts.base_url_env
        if env.get(name, "").strip()
    ]
