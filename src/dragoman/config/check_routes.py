"""Checks of how a virtual model chooses: its strategy and what that goes by, tiers, fallbacks, what its targets change."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dragoman.config.check_conditions import check_condition
from dragoman.config.check_headers import check_target_headers
from dragoman.config.check_rules import check_rules
from dragoman.config.effective import effective_keys, may_use
from dragoman.config.names import split_direct
from dragoman.config.problems import Findings, Path, any_of, did_you_mean
from dragoman.config.references import Choice, fallbacks_at, named_at, names_virtual, own_choice, rule_choices
from dragoman.config.routing_schema import Retry, Tiers
from dragoman.config.schema import Config, Target, VirtualModel

_BY_WEIGHT = ("weighted", "priority", "least-busy", "usage", "tiered")
"""Strategies that look at weights, if only among targets that are alike otherwise."""


def check_routes(config: Config, findings: Findings) -> None:
    """Note what is wrong with how any virtual model chooses, and with the section `routing`."""
    for name, entry in config.models.items():
        if isinstance(entry, VirtualModel):
            _check_model(name, entry, config, findings)
        for path, target in named_at(config, name):
            _check_target(target, path, config, findings)
    _check_globs(config, findings)
    routing = config.routing
    _check_retry(routing.retry, ("routing", "retry"), findings)
    if routing.breaker.open_max_s < routing.breaker.open_s:
        findings.refuse(("routing", "breaker", "open_max_s"), "is less than `open_s`", "make it at least as long")
    if routing.probes.every_s is not None and routing.probes.timeout_s > routing.probes.every_s:
        findings.warn(("routing", "probes", "timeout_s"), "is longer than `every_s`", "give a probe less time than there is until the next")


def _check_model(name: str, entry: VirtualModel, config: Config, findings: Findings) -> None:
    path: Path = ("models", name)
    choices = (own_choice(config, name), *rule_choices(config, name))
    for choice in choices:
        _check_choice(choice, entry.tiers, findings)
    _check_tiers(entry, choices, path, findings)
    for index, rule in enumerate(entry.rules):
        check_condition(rule.when, (*path, "rules", index, "when"), config, findings)
        if isinstance(rule.use, str) and rule.strategy is not None:
            findings.warn(
                (*path, "rules", index, "strategy"), "has nothing to choose from: `use` is one name", "leave it out, or list targets"
            )
        elif not rule.use:
            findings.refuse((*path, "rules", index, "use"), "is empty", "name at least one target, as `[provider/model]`")
    check_rules(name, config, findings)
    _check_fallbacks(name, config, findings)
    _check_retry(msgspec.structs.replace(config.routing.retry, **entry.retry), (*path, "retry"), findings)


def _check_choice(choice: Choice, tiers: Tiers | None, findings: Findings) -> None:
    targets = [target for _, target in choice.targets]
    strategy = choice.strategy
    if choice.goes:
        return
    priorities = {target.priority for target in targets}
    if strategy == "priority" and len(targets) > 1 and len(priorities) == 1:
        findings.warn(choice.path, "have one `priority`, so the weights decide", "give them priorities that differ, 1 for the first")
    if strategy not in _BY_WEIGHT and len({target.weight for target in targets}) > 1:
        findings.warn(choice.path, f"have weights, which the strategy `{strategy}` does not look at", "leave them out")
    for path, target in choice.targets:
        place = path[:-1] if path[-1] == "model" else path
        if strategy != "priority" and target.priority != 1:
            findings.warn(
                (*place, "priority"), f"is not looked at by the strategy `{strategy}`", "leave it out, or set `strategy: priority`"
            )
        if strategy != "tiered" and target.tier is not None:
            findings.warn((*place, "tier"), f"is not looked at by the strategy `{strategy}`", "leave it out, or set `strategy: tiered`")
        if strategy == "tiered" and tiers is not None:
            _check_tier(target, tiers, place, findings)


def _check_tier(target: Target, tiers: Tiers, place: Path, findings: Findings) -> None:
    if target.tier is None:
        findings.refuse((*place, "tier"), "is missing", f"write one of {any_of(tiers.order or _LIKELY)}")
    elif target.tier not in tiers.order:
        remedy = did_you_mean(target.tier, tiers.order) or f"the tiers are {any_of(dict.fromkeys(tiers.order))}"
        findings.refuse((*place, "tier"), f"`{target.tier}` is not in `tiers.order`", remedy)


def _check_tiers(entry: VirtualModel, choices: Iterable[Choice], path: Path, findings: Findings) -> None:
    tiered = [choice for choice in choices if choice.strategy == "tiered" and not choice.goes]
    where = (*path, "tiers")
    if entry.tiers is None:
        if tiered:
            findings.refuse(where, "is missing, and the strategy is `tiered`", "write `tiers: {order: [small, large]}`")
        return
    if not tiered:
        findings.warn(where, "is not looked at: nothing here has the strategy `tiered`", "set `strategy: tiered`, or leave it out")
    _check_order(entry.tiers, where, findings)
    for choice in tiered:
        for tier in entry.tiers.order:
            if choice.targets and all(target.tier != tier for _, target in choice.targets):
                findings.warn(choice.path, f"have none of the tier `{tier}`; the next stronger one is taken for it", "name a target for it")


def _check_order(tiers: Tiers, path: Path, findings: Findings) -> None:
    count = len(tiers.order)
    if count < 2 or len(set(tiers.order)) < count:
        findings.refuse((*path, "order"), "has not two different tiers" if count < 2 else "has a tier twice", _ORDER)
    elif tiers.thresholds and len(tiers.thresholds) != count - 1:
        wanted = f"write {count - 1}, or leave it out"
        findings.refuse((*path, "thresholds"), f"has {len(tiers.thresholds)} for {count} tiers", wanted)
    elif any(later <= earlier for earlier, later in zip(tiers.thresholds, tiers.thresholds[1:], strict=False)):
        findings.refuse((*path, "thresholds"), "does not grow", "each leads to a stronger tier than the one before, as `[0.3, 0.7]`")


_LIKELY = ("small", "large")
_ORDER = "name at least two, the cheapest first, as `[small, large]`"


def _check_fallbacks(name: str, config: Config, findings: Findings) -> None:
    known = {target.model for _, target in own_choice(config, name).targets}
    for path, fallback in fallbacks_at(config, name):
        if fallback.model in known:
            findings.warn(path, f"`{fallback.model}` stands before already", "take it out")
        known.add(fallback.model)


def _check_target(target: Target, path: Path, config: Config, findings: Findings) -> None:
    place = path[:-1] if path[-1] == "model" else path
    check_target_headers(target, place, findings)
    if target.first_token_s is not None:
        total = target.deadlines.first_byte_s or config.server.deadlines.first_byte_s
        if target.first_token_s >= total:
            findings.warn((*place, "first_token_s"), f"is no shorter than `first_byte_s` ({total:g})", "leave it out, or make it shorter")
    if findings.blames(path):
        return
    if names_virtual(target.model, config) is not None:
        if target.key is not None:
            findings.refuse((*place, "key"), f"`{target.model}` is a virtual model", "say it at the targets of that")
        return
    found = split_direct(target.model, config.providers)
    if found is not None:
        _check_key(target, *found, place, config, findings)


def _check_key(target: Target, provider: str, model: str, place: Path, config: Config, findings: Findings) -> None:
    keys = effective_keys(config.providers[provider])
    names = [key.name for key in keys]
    if target.key is not None and target.key not in names:
        known = f"its keys are {any_of(names)}" if names else "it has no keys"
        findings.refuse((*place, "key"), f"provider `{provider}` has no key of that name", did_you_mean(target.key, names) or known)
        return
    usable = [key for key in keys if target.key in (None, key.name)]
    if usable and "*" not in model and not any(may_use(key, model) for key in usable):
        named = f"the key `{target.key}`" if target.key is not None else "no key"
        verb = "may not" if target.key is not None else "may"
        findings.refuse(place, f"{named} of provider `{provider}` {verb} be used for `{model}`", "add the model to `models` of a key")


def _check_globs(config: Config, findings: Findings) -> None:
    """Warn of keys which no model in config may use."""
    asked = [split_direct(target.model, config.providers) for name in config.models for _, target in named_at(config, name)]
    for name, provider in config.providers.items():
        models = [*provider.models, *(found[1] for found in asked if found is not None and found[0] == name)]
        for index, key in enumerate(provider.keys):
            if models and "*" not in "".join(models) and not any(may_use(key, model) for model in models):
                path = ("providers", name, "keys", index, "models")
                findings.warn(
                    path, "leave out every model of this provider that stands in this file", f"those are {any_of(dict.fromkeys(models))}"
                )


def _check_retry(retry: Retry, path: Path, findings: Findings) -> None:
    if retry.backoff_max_s < retry.backoff_s:
        findings.refuse((*path, "backoff_max_s"), f"is less than `backoff_s` ({retry.backoff_s:g})", "make it at least as long")
