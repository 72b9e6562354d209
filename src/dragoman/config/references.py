"""What a virtual model of `dragoman.yaml` names, and where it stands there: for the checks, and for whoever compiles it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import msgspec

from dragoman.config.names import is_glob
from dragoman.config.problems import Path
from dragoman.config.routing_schema import Strategy, When
from dragoman.config.schema import Config, Target, VirtualModel
from dragoman.profiles.families import canonical

Named = tuple[Path, Target]
"""A target, and the path of its name."""


class Choice(msgspec.Struct, frozen=True):
    """Targets of which a strategy chooses. rule: the name of the rule they belong to, empty for the model's own; when: its
    condition. goes: it stands for one name alone, which is taken with all its own rules."""

    path: Path
    targets: tuple[Named, ...]
    strategy: Strategy = "weighted"
    rule: str = ""
    when: When | None = None
    goes: bool = False


def own_choice(config: Config, name: str) -> Choice:
    """The model's own targets."""
    entry = config.models[name]
    if isinstance(entry, str):
        return Choice(("models", name), ((("models", name), Target(entry)),), goes=True)
    path: Path = ("models", name, "targets")
    return Choice(path, tuple(_listed(entry.targets, path)), entry.strategy)


def rule_choices(config: Config, name: str) -> Iterator[Choice]:
    """The targets of each rule, in order."""
    entry = config.models[name]
    if isinstance(entry, str):
        return
    for index, rule in enumerate(entry.rules):
        path: Path = ("models", name, "rules", index, "use")
        alone = isinstance(rule.use, str)
        targets = ((path, Target(rule.use)),) if isinstance(rule.use, str) else tuple(_listed(rule.use, path))
        yield Choice(path, targets, rule.strategy or entry.strategy, rule.name or f"rule-{index + 1}", rule.when, alone)


def fallbacks_at(config: Config, name: str) -> tuple[Named, ...]:
    """The model's fallbacks."""
    entry = config.models[name]
    given = entry.fallbacks if isinstance(entry, VirtualModel) else ()
    return tuple((("models", name, "fallbacks", index), Target(fallback)) for index, fallback in enumerate(given))


def classifier_at(config: Config, name: str) -> tuple[Named, ...]:
    """The model that judges requests for this one, if there is one; it answers none."""
    entry = config.models[name]
    tiers = entry.tiers if isinstance(entry, VirtualModel) else None
    if tiers is None or tiers.classifier is None:
        return ()
    return ((("models", name, "tiers", "classifier", "model"), Target(tiers.classifier.model)),)


def named_at(config: Config, name: str) -> Iterator[Named]:
    """Everything that a virtual model names: its targets, those of its rules, its classifier, its fallbacks."""
    yield from followed_at(config, name)
    yield from fallbacks_at(config, name)


def followed_at(config: Config, name: str) -> Iterator[Named]:
    """What a virtual model names and leads to wherever it is named itself: everything but its fallbacks."""
    yield from own_choice(config, name).targets
    for choice in rule_choices(config, name):
        yield from choice.targets
    yield from classifier_at(config, name)


def names_virtual(target: str, config: Config) -> str | None:
    """The virtual model that a target names (globs are not named), in its spelling in config."""
    return _index(_One(config)).spelled.get(canonical(target))


def is_named(name: str, config: Config) -> bool:
    """Whether another virtual model leads to this one."""
    return name in _index(_One(config)).named


class _Index(msgspec.Struct, frozen=True):
    """spelled: names by their canonical spelling; named: those that other models lead to."""

    spelled: dict[str, str]
    named: frozenset[str]


class _One:
    """A config as a key: the very same one is the same."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _One) and other.config is self.config

    def __hash__(self) -> int:
        return id(self.config)


@lru_cache(2)
def _index(one: _One) -> _Index:
    """Made once for a config: every target is looked up in it several times, and there may be thousands."""
    config = one.config
    spelled: dict[str, str] = {}
    for name in config.models:
        if not is_glob(name):
            spelled.setdefault(canonical(name), name)
    found = (spelled.get(canonical(target.model)) for name in config.models for _, target in named_at(config, name))
    return _Index(spelled, frozenset(name for name in found if name is not None))


def _listed(given: tuple[str | Target, ...], path: Path) -> Iterator[Named]:
    for index, target in enumerate(given):
        yield ((*path, index), Target(target)) if isinstance(target, str) else ((*path, index, "model"), target)
