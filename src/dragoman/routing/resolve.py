"""From the model name of a request to the deployments that may answer it. Everything is looked up when it is compiled.

Order: names of config, `provider/model`, globs (the most specific first), a provider that config lists it under, the one that makes the
model's family, one that lists it itself, one that hosts many makers' models, the only provider; else model_not_found with the nearest
names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from dragoman.config.effective import effective_profile
from dragoman.config.names import Glob, is_glob, split_direct
from dragoman.config.problems import any_of, first_of, nearest
from dragoman.config.references import named_at
from dragoman.config.schema import Config
from dragoman.ir.errors import GatewayError, Kind
from dragoman.profiles.contract import Profile
from dragoman.profiles.families import bare, canonical, known_names
from dragoman.routing.expand import Expander, Window, by_family, named
from dragoman.routing.target import Target
from dragoman.routing.tree import VirtualModel

__all__ = ["Resolver", "Target", "VirtualModel"]

_CACHED = 2048
"""Names that were found by rule and are remembered; clients choose them, so their number is bounded."""
_LONGEST = 512
"""Letters of a name: no provider has such a model, and much is remembered by the names of models."""
_SHOWN = 100
_PROVIDERS = 8
"""Of those that there are, so many are named."""


class Resolver:
    """Compiled from a checked config; immutable but for a bounded cache."""

    def __init__(
        self,
        config: Config,
        profiles: Mapping[str, Profile],
        told: Mapping[str, Sequence[str]] | None = None,
        window: Window = by_family,
    ) -> None:
        self._config = config
        self._profiles = profiles
        self._expander = Expander(config, profiles, window)
        self._exact = _exact(config, self._expander)
        globs = [Glob.parse(name) for name in config.models if is_glob(name)]
        self._globs = sorted(globs, key=lambda glob: (-glob.weight, glob.text.count("*")))
        self._listed = {
            canonical(model): (name, model) for name, provider in reversed(config.providers.items()) for model in provider.models
        }
        lists = told or {}
        self._told = {canonical(model): (name, model) for name in reversed(list(profiles)) for model in lists.get(name, ())}
        self._cache: dict[str, VirtualModel] = {}

    @classmethod
    def compile(
        cls,
        config: Config,
        told: Mapping[str, Sequence[str]] | None = None,
        window: Window = by_family,
    ) -> Resolver:
        """The resolver of a checked config. `told`: by provider, the models that it lists itself; `window`: what a model of a provider
        is known to hold."""
        return cls(config, {name: effective_profile(provider) for name, provider in config.providers.items()}, told, window)

    def resolve(self, model: str) -> VirtualModel:
        """What `model` stands for. Raises GatewayError(model_not_found) with the nearest known names."""
        found = self._exact.get(model) or self._cache.get(model)
        if found is not None:
            return found
        if len(model) > _LONGEST:
            raise _error(f"the model `{model[: _SHOWN - 3]}...` has a name of {len(model)} letters; it may have {_LONGEST}")
        for rule in self._RULES:
            found = rule(self, model)
            if found is not None:
                return self._remember(model, found)
        raise self._not_found(model)

    def names(self) -> tuple[str, ...]:
        """The names that clients may be offered: those of config (without globs), then what providers list."""
        listed = [f"{provider}/{model}" for provider, model in self._listed.values()]
        virtual = [name for name in self._config.models if not is_glob(name)]
        return tuple(dict.fromkeys([*virtual, *sorted(listed)]))

    def _remember(self, model: str, found: VirtualModel) -> VirtualModel:
        if len(self._cache) >= _CACHED:
            del self._cache[next(iter(self._cache))]
        self._cache[model] = found
        return found

    def _by_spelling(self, model: str) -> VirtualModel | None:
        found = self._exact.get(canonical(model))
        return None if found is None else named(found, model, found.reason)

    def _by_provider(self, model: str) -> VirtualModel | None:
        named = split_direct(model, self._profiles)
        return None if named is None else self._one(model, *named, "direct")

    def _by_glob(self, model: str) -> VirtualModel | None:
        for glob in self._globs:
            texts = [target.model for _, target in named_at(self._config, glob.text)]
            filled = {text: glob.fill(model, text) for text in texts}
            if all(value is not None for value in filled.values()):
                given = {text: value for text, value in filled.items() if value}
                return self._expander.model(glob.text, given, asked=model, reason=f"glob `{glob.text}`")
        return None

    def _by_family(self, model: str) -> VirtualModel | None:
        """The provider that makes it."""
        for name, profile in self._profiles.items():
            if any(model.startswith(prefix) for prefix in profile.families):
                return self._one(model, name, model, "family")
        return None

    def _by_kind(self, model: str) -> VirtualModel | None:
        """`kind/model`, for a provider that has another name than its kind."""
        kind, slash, rest = model.partition("/")
        name = next((name for name, profile in self._profiles.items() if profile.kind == kind), None)
        return self._one(model, name, rest, f"kind `{kind}`") if slash and rest and name is not None else None

    def _by_list(self, model: str) -> VirtualModel | None:
        found = self._listed.get(canonical(model))
        return None if found is None else self._one(model, *found, "listed")

    def _by_own_list(self, model: str) -> VirtualModel | None:
        """A provider that lists it by itself. The maker comes before: others may offer what they only pass on."""
        found = self._told.get(canonical(model))
        return None if found is None else self._one(model, *found, "the provider's list")

    def _by_host(self, model: str) -> VirtualModel | None:
        """A provider that hosts many makers' models, and names them `vendor/model`."""
        vendor, slash, _ = model.partition("/")
        for name, profile in self._profiles.items():
            known = dict(profile.vendors)
            if slash and known and (vendor in known.values() or not self._near_providers(vendor)):
                return self._one(model, name, model, "host")
            maker = next((maker for prefix, maker in known.items() if bare(model).startswith(prefix)), None)
            if maker is not None and not slash:
                return self._one(model, name, f"{maker}/{model}", "host")
        return None

    def _by_default(self, model: str) -> VirtualModel | None:
        """The only provider. One that makes its own models has none with a slash, so there a slip in its name is told."""
        if len(self._profiles) != 1 or not model:
            return None
        name, profile = next(iter(self._profiles.items()))
        head, slash, _ = model.partition("/")
        slip = bool(slash and profile.families and self._near_providers(head))
        return None if slip else self._one(model, name, model, "only provider")

    def _one(self, asked: str, provider: str, model: str, reason: str) -> VirtualModel:
        return self._expander.direct(provider, model, asked, reason)

    def _near_providers(self, word: str) -> list[str]:
        return nearest(word, [name for name in self._profiles if abs(len(name) - len(word)) <= 2])

    def _not_found(self, model: str) -> GatewayError:
        if not model:
            return _error("the request names no model; set its field `model`")
        asked = model if len(model) <= _SHOWN else model[: _SHOWN - 3] + "..."
        near = self._near(model[:_SHOWN])
        providers = first_of([f"`{name}`" for name in self._profiles], _PROVIDERS)
        start = f"no model is known as `{asked}`; "
        ways = f"ask for it as `provider/model` (providers: {providers}), or add it under `models:`"
        return _error(f"{start}did you mean {any_of(near)}? Else {ways}" if near else start + ways)

    def _near(self, model: str) -> list[str]:
        """Names that would be found, most like this one first."""
        head, slash, rest = model.partition("/")
        if slash and not rest:
            return []
        if slash and (providers := self._near_providers(head)):
            return [f"{name}/{rest}" for name in providers]
        reachable = [name for name in known_names() if self._by_family(name) is not None]
        return nearest(model, [*self.names(), *(model for _, model in self._listed.values()), *reachable])

    _RULES: ClassVar[tuple[Callable[[Any, str], VirtualModel | None], ...]] = (
        _by_spelling,
        _by_provider,
        _by_glob,
        _by_list,
        _by_family,
        _by_kind,
        _by_own_list,
        _by_host,
        _by_default,
    )


def _exact(config: Config, expander: Expander) -> dict[str, VirtualModel]:
    """Virtual models by the name of config and by its canonical spelling."""
    made: dict[str, VirtualModel] = {}
    for name in config.models:
        if not is_glob(name):
            made[canonical(name)] = made[name] = expander.model(name)
    return made


def _error(message: str) -> GatewayError:
    return GatewayError(Kind.MODEL_NOT_FOUND, message, code="model_not_found", param="model")
