"""What holds for a provider once its profile and its config are put together."""

from __future__ import annotations

import msgspec

from dragoman.config.schema import Config, Deadlines, Provider
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
