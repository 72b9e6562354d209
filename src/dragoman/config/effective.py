"""What holds for a provider once its profile and its config are put together."""

from __future__ import annotations

import msgspec

from dragoman.config.names import Glob
from dragoman.config.routing_schema import Affinity, ProviderKey, Retry
from dragoman.config.schema import Config, Deadlines, Provider, VirtualModel
from dragoman.profiles.contract import Profile
from dragoman.profiles.registry import profile


def effective_profile(provider: Provider) -> Profile:
    """The profile of the provider's kind with everything that config overrides. Raises KeyError for an unknown kind.

    Headers of config are not in it, as their values may be secret: `provider.headers` has them.
    """
    base = profile(provider.kind)
    dialects = base.dialects if provider.dialects is None else provider.dialects
    if provider.dialect in base.when_chosen:
        dialects = {provider.dialect: None, **dialects}
    given = {
        "base_url": provider.base_url.rstrip("/") if provider.base_url else None,
        "auth": provider.auth,
        "key_optional": provider.key_optional,
        "families": provider.families,
        "dialects": dialects,
        "relay": None if provider.relay is None else frozenset(provider.relay),
    }
    return msgspec.structs.replace(
        base,
        **{field: value for field, value in given.items() if value is not None},
        quirks=msgspec.structs.replace(base.quirks, **provider.quirks),
        metadata=base.metadata and provider.metadata,
    )


def effective_deadlines(config: Config, provider: Provider) -> Deadlines:
    """The server's deadlines with those of the provider in their place."""
    own = {field: value for field, value in msgspec.structs.asdict(provider.deadlines).items() if value is not None}
    return msgspec.structs.replace(config.server.deadlines, **own)


def effective_keys(provider: Provider) -> tuple[ProviderKey, ...]:
    """The provider's keys, each with a name: its own, or that of its place."""
    return tuple(
        key if key.name else msgspec.structs.replace(key, name=f"key-{number}") for number, key in enumerate(provider.keys, start=1)
    )


def may_use(key: ProviderKey, model: str) -> bool:
    """Whether a key may be used for a model, in the provider's spelling."""
    return not key.models or any(Glob.parse(glob).matches(model) for glob in key.models)


def effective_retry(config: Config, model: VirtualModel | None) -> Retry:
    """How exchanges with a virtual model (None: one that is only an alias, or not in config) are tried again."""
    return config.routing.retry if model is None else msgspec.structs.replace(config.routing.retry, **model.retry)


def effective_affinity(config: Config, model: VirtualModel | None) -> Affinity:
    """How sessions with a virtual model stay where they are."""
    return config.routing.affinity if model is None else msgspec.structs.replace(config.routing.affinity, **model.affinity)


def effective_rescue(config: Config, model: VirtualModel | None) -> bool:
    """Whether broken streams of a virtual model are continued."""
    return config.routing.rescue if model is None or model.rescue is None else model.rescue
