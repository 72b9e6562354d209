"""Turns a target into a deployment: everything about asking one model at one provider that can be worked out beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from dragoman import __version__
from dragoman.app.foreign import foreign_to
from dragoman.config.effective import effective_deadlines, effective_profile
from dragoman.config.schema import Config, Provider
from dragoman.core.runtime import Candidate, Deployment
from dragoman.dialects.contract import Dialect
from dragoman.ir.errors import GatewayError, Kind
from dragoman.profiles.contract import Auth, Profile
from dragoman.profiles.families import capabilities, dialect_for, quirks_of, spell
from dragoman.routing.resolve import Target
from dragoman.upstream.deadlines import Deadlines
from dragoman.upstream.origin import Origin
from dragoman.wire.frame import Headers

_KEPT = 4096
"""Deployments that are kept ready; model names come from clients, so their number needs a bound."""
_AUTH: dict[Auth, Callable[[str], tuple[str, str]]] = {
    "bearer": lambda key: ("authorization", f"Bearer {key}"),
    "x-api-key": lambda key: ("x-api-key", key),
    "x-goog-api-key": lambda key: ("x-goog-api-key", key),
    "api-key": lambda key: ("api-key", key),
}


class Deployer:
    """Builds the candidates of a config. `addresses` are base URLs of providers that run inside this process, by provider name."""

    def __init__(self, config: Config, dialects: Mapping[str, Dialect], addresses: Mapping[str, str]) -> None:
        self._config = config
        self._dialects = dialects
        self._addresses = addresses
        self._profiles = {name: effective_profile(provider) for name, provider in config.providers.items()}
        self._ready: dict[tuple[str, str | None], Candidate] = {}

    def deploy(self, target: Target, wanted: str | None) -> Candidate:
        """The candidate for this target, reached in the dialect `wanted` if the provider speaks it for this model (None: in its
        best). Raises GatewayError(config) if the provider has no key or no address."""
        key = (target.id, wanted)
        ready = self._ready.get(key)
        if ready is None:
            if len(self._ready) >= _KEPT:
                del self._ready[next(iter(self._ready))]
            ready = self._ready[key] = Candidate(self._build(target.provider, target.model, wanted), _raw(target.params))
        return ready

    def _build(self, provider_name: str, model: str, wanted: str | None) -> Deployment:
        provider = self._config.providers[provider_name]
        profile = self._profiles[provider_name]
        name = dialect_for(profile, model, provider.dialect, wanted)
        facts = capabilities(profile, name, model, provider.capabilities)
        quirks = quirks_of(profile, model, provider.quirks)
        origin, base_path = self._origin(provider_name, profile)
        own_path = profile.dialects.get(name)
        return Deployment(
            provider=provider_name,
            model=spell(model, profile.version_mark),
            dialect=self._dialects[name],
            quirks=quirks,
            capabilities=facts,
            origin=origin,
            base_path=base_path,
            path=own_path or self._dialects[name].path,
            headers=_headers(provider_name, provider, profile),
            deadlines=_deadlines(self._config, provider),
            foreign=foreign_to(facts, quirks),
            secret=provider.keys[0].key.reveal() if provider.keys else "",
            metadata=profile.metadata,
            relays=bool(profile.relay),
        )

    def _origin(self, provider_name: str, profile: Profile) -> tuple[Origin, str]:
        url = self._addresses.get(provider_name) or profile.base_url
        if url is None:
            raise GatewayError(Kind.CONFIG, f"provider `{provider_name}` has no address; write `providers.{provider_name}.base_url`")
        return Origin.parse(url)


def _headers(name: str, provider: Provider, profile: Profile) -> Headers:
    headers = [("content-type", "application/json"), ("accept", "*/*"), ("user-agent", f"dragoman/{__version__}")]
    headers += [(key.lower(), value) for key, value in profile.headers]
    own = {key.lower(): value.reveal() for key, value in provider.headers.items()}
    headers = [(key, value) for key, value in headers if key not in own]
    if provider.keys and profile.auth != "none":
        headers.append(_AUTH[profile.auth](provider.keys[0].key.reveal()))
    elif not (profile.key_optional or profile.builtin or profile.auth == "none" or own.keys() & {"authorization", "x-api-key", "api-key"}):
        raise GatewayError(
            Kind.CONFIG, f"provider `{name}` has no key; write `providers.{name}.keys`, as `keys: [${name.upper()}_API_KEY]`"
        )
    return (*headers, *own.items())


def _deadlines(config: Config, provider: Provider) -> Deadlines:
    given = effective_deadlines(config, provider)
    return Deadlines(given.connect_s, given.first_byte_s, given.idle_s, given.total_s)


def _raw(params: Mapping[str, object]) -> dict[str, bytes | None]:
    return {name: None if value is None else msgspec.json.encode(value) for name, value in params.items()}
