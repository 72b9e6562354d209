"""Turns a target into a deployment: everything about asking one model at one provider that can be worked out beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from dragoman import __version__
from dragoman.app.foreign import foreign_to
from dragoman.config.effective import effective_deadlines, effective_keys, effective_profile
from dragoman.config.routing_schema import ProviderKey
from dragoman.config.schema import Config, Provider
from dragoman.core.runtime import Candidate, Deployment
from dragoman.dialects.contract import Dialect
from dragoman.ir.errors import GatewayError, Kind
from dragoman.lower import thoughts
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
        self._ready: dict[tuple[str, str | None, str], Candidate] = {}

    def deploy(self, target: Target, wanted: str | None, key: str = "") -> Candidate:
        """The candidate for this target with the provider key of this name (empty: the first), reached in the dialect `wanted` if the
        provider speaks it for this model (None: in its best). Raises GatewayError(config) if the provider has no key or no address."""
        place = (target.id or target.name, wanted, key)
        ready = self._ready.get(place)
        if ready is None:
            if len(self._ready) >= _KEPT:
                del self._ready[next(iter(self._ready))]
            ready = self._ready[place] = Candidate(self._build(target, wanted, key), _raw(target.params))
        return ready

    def _build(self, target: Target, wanted: str | None, key_name: str) -> Deployment:
        provider_name, model = target.provider, target.model
        provider = self._config.providers[provider_name]
        profile = self._profiles[provider_name]
        keys = effective_keys(provider)
        key = next((one for one in keys if key_name in ("", one.name)), None)
        secret = "" if key is None else key.key.reveal()
        name = dialect_for(profile, model, provider.dialect, wanted)
        facts = capabilities(profile, name, model, provider.capabilities)
        quirks = quirks_of(profile, model, provider.quirks)
        origin, base_path = self._origin(provider_name, profile, key)
        spelled = spell(model, profile.version_mark)
        own_path = profile.dialects.get(name)
        return Deployment(
            provider=provider_name,
            model=spelled,
            dialect=self._dialects[name],
            quirks=quirks,
            capabilities=facts,
            origin=origin,
            base_path=base_path,
            path=own_path or self._dialects[name].path,
            headers=_changed(_headers(provider_name, provider, profile, secret), target),
            deadlines=_deadlines(self._config, provider, target),
            foreign=foreign_to(facts, quirks),
            secret=secret,
            metadata=profile.metadata,
            relays=bool(profile.relay),
            maker=thoughts.origin(f"{provider_name}/{spelled}", facts, key.name if key is not None and len(keys) > 1 else None),
        )

    def _origin(self, provider_name: str, profile: Profile, key: ProviderKey | None) -> tuple[Origin, str]:
        own = key.base_url if key is not None else None
        url = own or self._addresses.get(provider_name) or profile.base_url
        if url is None:
            raise GatewayError(Kind.CONFIG, f"provider `{provider_name}` has no address; write `providers.{provider_name}.base_url`")
        if key is not None and key.region is not None:
            url = url.replace("{region}", key.region)
        return Origin.parse(url)


def _headers(name: str, provider: Provider, profile: Profile, secret: str) -> Headers:
    headers = [("content-type", "application/json"), ("accept", "*/*"), ("user-agent", f"dragoman/{__version__}")]
    headers += [(key.lower(), value) for key, value in profile.headers]
    own = {key.lower(): value.reveal() for key, value in provider.headers.items()}
    headers = [(key, value) for key, value in headers if key not in own]
    if provider.keys and profile.auth != "none":
        headers.append(_AUTH[profile.auth](secret))
    elif not (profile.key_optional or profile.builtin or profile.auth == "none" or own.keys() & {"authorization", "x-api-key", "api-key"}):
        raise GatewayError(
            Kind.CONFIG, f"provider `{name}` has no key; write `providers.{name}.keys`, as `keys: [${name.upper()}_API_KEY]`"
        )
    return (*headers, *own.items())


def _changed(headers: Headers, target: Target) -> Headers:
    """The headers with what the target sets and takes out."""
    if not target.headers:
        return headers
    kept = tuple((name, value) for name, value in headers if name not in target.headers)
    return (*kept, *((name, value.reveal()) for name, value in target.headers.items() if value is not None))


def _deadlines(config: Config, provider: Provider, target: Target) -> Deadlines:
    given, own = effective_deadlines(config, provider), target.deadlines
    return Deadlines(
        given.connect_s if own.connect_s is None else own.connect_s,
        given.first_byte_s if own.first_byte_s is None else own.first_byte_s,
        given.idle_s if own.idle_s is None else own.idle_s,
        given.total_s if own.total_s is None else own.total_s,
    )


def _raw(params: Mapping[str, object]) -> dict[str, bytes | None]:
    return {name: None if value is None else msgspec.json.encode(value) for name, value in params.items()}
