"""From the section `models` to flat lists of deployments: virtual models that name virtual models are multiplied out."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import lcm
from typing import Any

import msgspec

from dragoman.config.names import split_direct
from dragoman.config.references import names_virtual, own_choice
from dragoman.config.schema import Config
from dragoman.profiles.contract import Profile
from dragoman.profiles.families import spell
from dragoman.routing.target import Target


class _Share(msgspec.Struct, frozen=True):
    """A deployment with its share of the whole."""

    provider: str
    model: str
    share: Fraction
    params: dict[str, Any]


def expand(config: Config, profiles: Mapping[str, Profile], name: str, fill: dict[str, str] | None = None) -> tuple[Target, ...]:
    """The deployments of the virtual model `name` of a checked config. `fill` gives the targets of a glob their model."""
    return _targets(_shares(config, profiles, name, fill or {}, ()))


def direct(profiles: Mapping[str, Profile], provider: str, model: str) -> Target:
    """The one deployment `provider/model`, in the provider's spelling."""
    return _target(provider, spell(model, profiles[provider].version_mark), 1, {})


def _shares(config: Config, profiles: Mapping[str, Profile], name: str, fill: dict[str, str], trail: tuple[str, ...]) -> list[_Share]:
    given = [target for _, target in own_choice(config, name).targets]
    total = sum(target.weight for target in given)
    made: list[_Share] = []
    for target in given:
        share = Fraction(target.weight, total)
        model = fill.get(target.model, target.model)
        following = names_virtual(model, config)
        if following is not None and following not in (*trail, name):
            inner = _shares(config, profiles, following, {}, (*trail, name))
            made += [_Share(one.provider, one.model, one.share * share, {**one.params, **target.params}) for one in inner]
            continue
        found = split_direct(model, config.providers)
        if found is not None:
            provider, plain = found
            made.append(_Share(provider, spell(plain, profiles[provider].version_mark), share, target.params))
    return made


def _targets(shares: list[_Share]) -> tuple[Target, ...]:
    """Whole-number weights; what is the same deployment with the same params becomes one target."""
    sums: dict[str, tuple[_Share, Fraction]] = {}
    for one in shares:
        key = _id(one.provider, one.model, one.params)
        first, share = sums.get(key, (one, Fraction(0)))
        sums[key] = (first, share + one.share)
    scale = lcm(*(share.denominator for _, share in sums.values()))
    return tuple(_target(one.provider, one.model, int(share * scale), one.params) for one, share in sums.values())


def _target(provider: str, model: str, weight: int, params: dict[str, Any]) -> Target:
    return Target(provider, model, weight, params, _id(provider, model, params))


def _id(provider: str, model: str, params: dict[str, Any]) -> str:
    suffix = "#" + msgspec.json.encode(params, order="deterministic").decode() if params else ""
    return f"{provider}/{model}{suffix}"
