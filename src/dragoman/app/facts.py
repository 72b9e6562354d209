"""What is known of every model behind the gateway, each fact with where it is from: the body of `GET /api/models`, and `dragoman models`.

What is not known is null, never zero and never a guess.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from dragoman.app.listing import SOURCE as LIST
from dragoman.app.listing import Lists
from dragoman.config.effective import effective_profile
from dragoman.config.names import split_direct
from dragoman.config.references import classifier_at, fallbacks_at, names_virtual, own_choice, rule_choices
from dragoman.config.schema import Config
from dragoman.config.schema import VirtualModel as Configured
from dragoman.policy import lists as price_lists
from dragoman.policy.book import PriceBook
from dragoman.policy.rates import Price, Rates, Unit, rate
from dragoman.profiles.contract import Profile
from dragoman.profiles.families import canonical, dialect_for, family, spell
from dragoman.profiles.listing import ModelTold
from dragoman.profiles.modalities import modalities
from dragoman.profiles.wellknown import wellknown
from dragoman.profiles.windows import window

FAMILY, CONFIG = "family", "config"
_PARTS = (Unit.INPUT, Unit.CACHE_READ, Unit.CACHE_WRITE, Unit.OUTPUT)
_MODALITIES = ("images", "files", "audio")
_KINDS = {"images": "image", "files": "file", "audio": "audio"}
_NOTHING = ModelTold("")
_Deployment = tuple[str, str]
"""Provider and model."""


class Fact(msgspec.Struct, frozen=True):
    """Something known, and from where (`config`, `family`, `provider's list`, `price list`); both None where nothing is."""

    value: Any = None
    source: str | None = None


UNKNOWN = Fact()


class ModelFacts(msgspec.Struct, frozen=True):
    """A deployment. window, output: tokens. modalities: kinds of input. reasoning: `style` (`effort`, `adaptive`, `budget`, `level`, or
    `fixed`: it cannot be told) and `efforts`. price: US dollars per million tokens."""

    provider: str
    model: str
    window: Fact
    output: Fact
    modalities: Fact
    tools: Fact
    reasoning: Fact
    price: Fact

    @property
    def name(self) -> str:
        """provider/model."""
        return f"{self.provider}/{self.model}"


class Facts:
    """Compiled from a checked config, with what providers list themselves."""

    def __init__(self, config: Config, book: PriceBook, lists: Lists | None = None, clock: Callable[[], float] = time.time) -> None:
        self._config = config
        self._book = book
        self._lists = lists
        self._clock = clock
        self._profiles = {name: effective_profile(provider) for name, provider in config.providers.items()}

    def body(self, provider: str | None = None, search: str | None = None) -> dict[str, Any]:
        """What `GET /api/models` answers. Slow the first time (`PriceBook.load`): not for the event loop. With a provider or a text to
        search for, the models of the public price lists are among them."""
        self._book.load()
        wanted = (search or "").lower()
        virtual = [] if provider is not None else [told for told in self._virtual() if wanted in told["name"].lower()]
        found = (self.of(name, model) for name, model in self._deployments(provider, everything=provider is not None or bool(wanted)))
        models = [_told(facts) for facts in found if wanted in facts.name.lower()]
        return {"virtual": virtual, "models": models, "lists": {} if self._lists is None else self._lists.state()}

    def of(self, provider: str, model: str) -> ModelFacts:
        """What is known of this deployment."""
        told = (self._lists and self._lists.model(provider, model)) or _NOTHING
        given = self._config.providers[provider].capabilities if provider in self._config.providers else {}
        known = family(model)
        return ModelFacts(
            provider,
            model,
            window=_window(window(model), told.window, self._listed_window(provider, model)),
            output=_first((given.get("max_output_tokens"), CONFIG), (told.output, LIST), (known.facts.get("max_output_tokens"), FAMILY)),
            modalities=_modalities(given, told.modalities, modalities(model)),
            tools=_first((given.get("tools"), CONFIG), (told.tools, LIST), (True if known.prefix else None, FAMILY)),
            reasoning=_reasoning(given, self._profiles.get(provider), model, told.reasoning),
            price=self._price(provider, model),
        )

    def _price(self, provider: str, model: str) -> Fact:
        price = self._book.price(provider, model)
        return UNKNOWN if price is None else Fact(write_price(price, self._clock()), price.source)

    def _listed_window(self, provider: str, model: str) -> int | None:
        profile = self._profiles.get(provider)
        found = None if profile is None else price_lists.listed(profile.prices, model)
        return None if found is None else found.window

    def _virtual(self) -> Iterator[dict[str, Any]]:
        for name, entry in self._config.models.items():
            targets = self._behind(name)
            given = entry if isinstance(entry, Configured) else Configured(())
            windows = [self.of(*target).window.value for target in targets if "*" not in target[1]]
            yield {
                "name": name,
                "description": given.description,
                "targets": [f"{provider}/{model}" for provider, model in targets],
                "window": given.context_window or (None if None in windows else min(windows, default=None)),
            }

    def _behind(self, name: str, trail: tuple[str, ...] = (), *, ends: bool = False) -> dict[_Deployment, None]:
        """Everything that may answer a virtual model: targets, those of rules, fallbacks, and what stands behind virtual ones. ends:
        within a fallback, where no other fallbacks are followed."""
        found: dict[_Deployment, None] = {}
        for choice in (own_choice(self._config, name), *rule_choices(self._config, name)):
            for _, target in choice.targets:
                found |= self._reached(target.model, (*trail, name), ends=ends)
        for _, fallback in () if ends else fallbacks_at(self._config, name):
            # What goes by the model's own name is a `provider/model`.
            itself = names_virtual(fallback.model, self._config) == name
            found |= self._reached(fallback.model, (name,) if itself else (), ends=True)
        return found

    def _reached(self, model: str, trail: tuple[str, ...], *, ends: bool = False) -> dict[_Deployment, None]:
        """What a target leads to; trail: the virtual models on the way there."""
        following = names_virtual(model, self._config)
        if following is not None and following not in trail:
            return self._behind(following, trail, ends=ends)
        plain = split_direct(model, self._profiles)
        return {} if plain is None else {(plain[0], spell(plain[1], self._profiles[plain[0]].version_mark)): None}

    def _deployments(self, provider: str | None, *, everything: bool) -> Iterator[tuple[str, str]]:
        """Each once: those that config names, what providers list, what they are known for; and on demand all of their price lists."""
        seen: set[tuple[str, str]] = set()
        for name, model in self._named(provider, everything=everything):
            key = (name, canonical(model))
            if key not in seen:
                seen.add(key)
                yield name, model

    def _named(self, provider: str | None, *, everything: bool) -> Iterator[tuple[str, str]]:
        targeted = self._targeted()
        for name, profile in self._profiles.items():
            if provider not in (None, name):
                continue
            named = (*self._config.providers[name].models, *targeted.get(name, ()))
            yield from ((name, model) for model in (*named, *self._of_provider(name, profile, everything=everything)))

    def _of_provider(self, name: str, profile: Profile, *, everything: bool) -> Iterator[str]:
        told = self._lists.told(name) if self._lists is not None else None
        if told is not None and told.models:
            yield from (model.name for model in told.models.values())
        elif not self._config.providers[name].models:
            yield from wellknown(profile.kind)
        if everything:
            yield from (listed.name for listed in price_lists.models(profile.prices))

    def _targeted(self) -> dict[str, list[str]]:
        """The models that config names of each provider, those that only judge among them."""
        found: dict[_Deployment, None] = {}
        for name in self._config.models:
            found |= self._behind(name)
            for _, judge in classifier_at(self._config, name):
                found |= self._reached(judge.model, (name,))
        models: dict[str, list[str]] = {}
        for provider, model in found:
            if "*" not in model:
                models.setdefault(provider, []).append(model)
        return models


def write_price(price: Price, at: float) -> dict[str, Any]:
    """A price as JSON: US dollars per million tokens (or each), `long` with the prices past a number of input tokens."""
    rates = price.at(at)
    told = _write_rates(rates)
    steps = [{"over": start, **_write_rates(price.at(at, start + 1))} for start in sorted(price.starts())]
    return {**told, "long": [step for step in steps if {**step, "over": 0} != {**told, "over": 0}]} if steps else told


def _write_rates(rates: Rates) -> dict[str, float]:
    known = {unit: value for unit in _PARTS if (value := rate(rates, unit)) is not None}
    return {unit.value: float(value) for unit, value in {**known, **rates}.items()}


def _told(facts: ModelFacts) -> dict[str, Any]:
    parts: dict[str, Fact] = {
        "window": facts.window,
        "max_output_tokens": facts.output,
        "modalities": facts.modalities,
        "tools": facts.tools,
        "reasoning": facts.reasoning,
        "price": facts.price,
    }
    values = {name: fact.value for name, fact in parts.items()}
    sources = {name: fact.source for name, fact in parts.items() if fact.source is not None}
    return {"name": facts.name, "provider": facts.provider, "model": facts.model, **values, "sources": sources}


def _first(*known: tuple[Any, str]) -> Fact:
    return next((Fact(value, source) for value, source in known if value is not None), UNKNOWN)


def _window(maker: int | None, host: int | None, listed: int | None) -> Fact:
    """A host may serve less than the maker's window, never more: the smaller one counts."""
    if maker is not None and host is not None:
        return Fact(maker, FAMILY) if maker <= host else Fact(host, LIST)
    return _first((maker, FAMILY), (host, LIST), (listed, price_lists.SOURCE))


def _modalities(given: dict[str, Any], host: tuple[str, ...] | None, maker: tuple[str, ...] | None) -> Fact:
    known = _first((host, LIST), (maker, FAMILY))
    said = {_KINDS[name]: given[name] for name in _MODALITIES if name in given}
    if not said:
        return known
    base = known.value or ("text",)
    return Fact(tuple(kind for kind in ("text", "image", "file", "audio") if said.get(kind, kind in base)), CONFIG)


def _reasoning(given: Mapping[str, Any], profile: Profile | None, model: str, host: bool | None) -> Fact:
    known = family(model)
    dialect = None if profile is None else dialect_for(profile, model)
    efforts = given.get("efforts", known.in_dialect.get(dialect or "", {}).get("efforts", known.facts.get("efforts")))
    if efforts is None:
        return UNKNOWN if host is None else Fact({"style": "effort" if host else "none", "efforts": None}, LIST)
    style = known.quirks.get("thinking")
    told = list(efforts)
    return Fact(
        {"style": (style if style not in (None, "none") else "effort") if told else "fixed", "efforts": told},
        CONFIG if "efforts" in given else FAMILY,
    )
