"""From the section `models` to trees: virtual models within virtual models, targets with the keys they may use, conditions compiled.

Weights within weights are multiplied out where nothing else is decided within.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import lcm

import msgspec

from dragoman.config.check_rules import never_taken
from dragoman.config.effective import effective_affinity, effective_keys, effective_rescue, effective_retry, may_use
from dragoman.config.names import split_direct
from dragoman.config.problems import show_path
from dragoman.config.references import Choice, Named, fallbacks_at, names_virtual, own_choice, rule_choices
from dragoman.config.routing_schema import When
from dragoman.config.schema import Config
from dragoman.config.schema import Target as GivenTarget
from dragoman.config.schema import VirtualModel as Configured
from dragoman.profiles.contract import Profile
from dragoman.profiles.families import spell
from dragoman.profiles.windows import window
from dragoman.routing.conditions import compile_condition
from dragoman.routing.decision import Decision, Place
from dragoman.routing.draw import Draw, Lot
from dragoman.routing.score import even_thresholds
from dragoman.routing.seat import Seat
from dragoman.routing.target import PLAIN, Overrides, Target
from dragoman.routing.tree import Branch, Entry, Rule, Tiering, VirtualModel

Fill = Mapping[str, str]
"""The targets of a glob -> what they are for the name that was asked."""
Window = Callable[[str, str], int | None]
"""(provider, model) -> the tokens that it is known to hold."""


def by_family(provider: str, model: str) -> int | None:
    """What the family of a model is known to hold, whoever hosts it: a `Window` where nobody knows more."""
    return window(model)


class Trail(msgspec.Struct, frozen=True):
    """names: the virtual models that led here, the outermost first. ends: within a fallback, where no other fallbacks are followed.
    window: tokens that the innermost of them that says so may hold."""

    names: tuple[str, ...] = ()
    ends: bool = False
    window: int | None = None

    def to(self, name: str, window: int | None) -> Trail:
        """One step further."""
        return Trail((*self.names, name), self.ends, window or self.window)


class Expander:
    """Compiles the virtual models of one checked config. `window`: of a provider and a model, the tokens that it is known to hold."""

    def __init__(self, config: Config, profiles: Mapping[str, Profile], window: Window) -> None:
        self._config = config
        self._profiles = profiles
        self._window = window
        self._never = {name: never_taken(name, config) for name in config.models}

    def model(
        self, name: str, fill: Mapping[str, str] | None = None, *, asked: str | None = None, reason: str | None = None
    ) -> VirtualModel:
        """The virtual model `name`. `fill` gives the targets of a glob their model; `asked` is what clients call it."""
        entry = self._config.models[name]
        usual = "alias" if isinstance(entry, str) else "virtual model"
        made = self._model(name, fill or {}, PLAIN, Trail())
        return named(made, asked or name, reason or usual)

    def direct(self, provider: str, model: str, asked: str, reason: str) -> VirtualModel:
        """The one deployment `provider/model`, in the provider's spelling."""
        target = PLAIN.target(provider, spell(model, self._profiles[provider].version_mark))
        entry = Entry(target.id, target, self._seats(target, None, None))
        retry, affinity = effective_retry(self._config, None), effective_affinity(self._config, None)
        rescue = effective_rescue(self._config, None)
        made = VirtualModel(asked, (target,), reason, Branch((entry,)), retry=retry, affinity=affinity, rescue=rescue)
        return named(made, asked, reason)

    # -- one model ---------------------------------------------------------------------------------------------------------------

    def _model(self, name: str, fill: Fill, outer: Overrides, trail: Trail) -> VirtualModel:
        entry = self._config.models[name]
        given = entry if isinstance(entry, Configured) else None
        trail = trail.to(name, given.context_window if given is not None else None)
        own = own_choice(self._config, name)
        if given is None and (following := self._within(own.targets[0][1], fill, trail)) is not None:
            return self._model(following, {}, self._over(own.targets[0], outer), trail)
        branch = self._branch(own, given, fill, outer, trail)
        return VirtualModel(
            name,
            _flat(branch),
            "",
            branch,
            rules=tuple(self._rules(name, given, fill, outer, trail)),
            fallbacks=tuple(self._fallbacks(name, fill, outer, trail)),
            retry=effective_retry(self._config, given),
            affinity=effective_affinity(self._config, given),
            rescue=effective_rescue(self._config, given),
        )

    def _rules(self, name: str, given: Configured | None, fill: Fill, outer: Overrides, trail: Trail) -> list[Rule]:
        return [
            Rule(
                choice.rule,
                compile_condition(choice.when or When()),
                self._branch(choice, given, fill, outer, trail),
                self._never[name].get(index, ""),
            )
            for index, choice in enumerate(rule_choices(self._config, name))
        ]

    def _fallbacks(self, name: str, fill: Fill, outer: Overrides, trail: Trail) -> list[Entry]:
        """Those of a fallback are not followed, so that models may name each other. What goes by its own name is a `provider/model`."""
        found: list[Entry] = []
        for path, given in () if trail.ends else fallbacks_at(self._config, name):
            itself = names_virtual(fill.get(given.model, given.model), self._config) == name
            found.append(self._entry((path, given), fill, outer, Trail((name,) if itself else (), ends=True)))
        return found

    def _branch(self, choice: Choice, given: Configured | None, fill: Fill, outer: Overrides, trail: Trail) -> Branch:
        entries = [self._entry(named, fill, outer, trail) for named in choice.targets]
        if choice.strategy == "weighted":
            entries = _multiplied(entries)
        return Branch(tuple(_apart(entries)), choice.strategy, _tiering(given) if choice.strategy == "tiered" else None)

    def _entry(self, named: Named, fill: Fill, outer: Overrides, trail: Trail) -> Entry:
        """An entry whose name leads nowhere (an alias that closes a circle through `provider/model`) has no seats."""
        _, given = named
        over = self._over(named, outer)
        model = fill.get(given.model, given.model)
        following = self._within(given, fill, trail)
        if following is not None:
            made = self._model(following, {}, over, trail)
            mark = "" if msgspec.structs.replace(over, place=outer.place) == outer else f"#{over.place}"
            return Entry(following + mark, model=made, weight=given.weight, priority=given.priority, tier=given.tier or "")
        found = split_direct(model, self._config.providers)
        if found is None:
            return Entry(model, weight=given.weight, priority=given.priority, tier=given.tier or "")
        target = over.target(found[0], spell(found[1], self._profiles[found[0]].version_mark))
        seats = self._seats(target, over.key, trail.window)
        return Entry(target.id, target, seats, weight=given.weight, priority=given.priority, tier=given.tier or "")

    def _within(self, given: GivenTarget, fill: Fill, trail: Trail) -> str | None:
        """The virtual model that a target leads to; one of the trail is none: then `provider/model` is meant."""
        following = names_virtual(fill.get(given.model, given.model), self._config)
        return None if following in trail.names else following

    def _over(self, named: Named, outer: Overrides) -> Overrides:
        path, given = named
        place = path[:-1] if path[-1] == "model" else path
        own = Overrides(
            params=given.params,
            headers={name.lower(): value for name, value in given.headers.items()},
            deadlines=given.deadlines,
            first_token_s=given.first_token_s,
            fall_back_on=frozenset(given.fall_back_on),
            key=given.key,
            place=show_path(place),
        )
        return own.within(outer)

    def _seats(self, target: Target, key: str | None, window: int | None) -> tuple[Seat, ...]:
        """One for each key that may be used for the model; one without a key where the provider has none. window: that config says."""
        keys = effective_keys(self._config.providers[target.provider])
        known = window or self._window(target.provider, target.model)
        if not keys:
            return (Seat(target, window=known),)
        return tuple(
            Seat(target, one.name, one.weight, one.region or one.base_url or "", known)
            for one in keys
            if key in (None, one.name) and may_use(one, target.model)
        )


def named(model: VirtualModel, name: str, reason: str) -> VirtualModel:
    """The model as it is called, with its only decision made where there is nothing to decide, or its few where it only draws."""
    only = _only(model, name, reason)
    return msgspec.structs.replace(
        model, name=name, reason=reason, only=only, draw=None if only is not None else _draw(model, name, reason)
    )


def _only(model: VirtualModel, name: str, reason: str) -> Decision | None:
    if model.rules or model.fallbacks or len(model.branch.entries) != 1 or len(model.branch.entries[0].seats) != 1:
        return None
    places = (Place(model.branch.entries[0].seats[0], "the only target"),)
    return Decision(name, reason, places, model.branch.strategy, retry=model.retry, rescue=model.rescue)


def _draw(model: VirtualModel, name: str, reason: str) -> Draw | None:
    branch, tail = model.branch, _tail(model)
    if model.rules or tail is None or any(len(entry.seats) != 1 for entry in branch.entries) or not branch.entries:
        return None
    if len(branch.entries) == 1:
        groups = [[Lot(branch.entries[0].id, 1, Place(branch.entries[0].seats[0], "the only target"))]]
    elif branch.strategy == "weighted":
        groups = [_drawn(branch.entries, "weight {value:g}")]
    elif branch.strategy == "priority":
        groups = [
            _drawn([entry for entry in branch.entries if entry.priority == priority], f"priority {priority}, weight {{value:g}}")
            for priority in sorted({entry.priority for entry in branch.entries})
        ]
    else:
        return None
    return Draw(groups, tail, Decision(name, reason, (), branch.strategy, retry=model.retry, rescue=model.rescue))


def _drawn(entries: Sequence[Entry], why: str) -> list[Lot]:
    return [Lot(entry.id, entry.weight, Place(entry.seats[0], why, entry.weight)) for entry in entries]


def _tail(model: VirtualModel) -> list[Place] | None:
    """The places of its fallbacks, where each is one target with one key; else None."""
    found: list[Place] = []
    for entry in model.fallbacks:
        branch = Branch((entry,)) if entry.model is None else entry.model.branch
        if (entry.model is not None and entry.model.rules) or len(branch.entries) != 1 or len(branch.entries[0].seats) != 1:
            return None
        found.append(Place(branch.entries[0].seats[0], "fallback" if entry.model is None else "fallback: the only target"))
    return found


# ---- entries -------------------------------------------------------------------------------------------------------------


def _tiering(given: Configured | None) -> Tiering | None:
    tiers = given.tiers if given is not None else None
    if tiers is None:
        return None
    judge = tiers.classifier
    thresholds = tiers.thresholds or even_thresholds(len(tiers.order))
    if judge is None:
        return Tiering(tiers.order, thresholds)
    return Tiering(tiers.order, thresholds, judge.model, judge.timeout_s, judge.prompt)


def _multiplied(entries: Sequence[Entry]) -> list[Entry]:
    """Plain weighted models are replaced by what they choose from; what is the same target twice becomes one. Whole weights: as they were
    given, where there is neither."""
    if len({entry.id for entry in entries}) == len(entries) and not any(
        entry.model is not None and _is_plain(entry.model) for entry in entries
    ):
        return list(entries)
    total = sum(entry.weight for entry in entries)
    shares: list[tuple[Entry, Fraction]] = []
    for entry in entries:
        share = Fraction(entry.weight, total)
        inner = entry.model.branch.entries if entry.model is not None and _is_plain(entry.model) else (entry,)
        weight = sum(one.weight for one in inner)
        shares += [(one, share * one.weight / weight) for one in inner]
    sums: dict[str, tuple[Entry, Fraction]] = {}
    for one, share in shares:
        first, before = sums.get(one.id, (one, Fraction(0)))
        sums[one.id] = (first, before + share)
    scale = lcm(*(share.denominator for _, share in sums.values()))
    return [msgspec.structs.replace(one, weight=int(share * scale)) for one, share in sums.values()]


def _is_plain(model: VirtualModel) -> bool:
    return model.branch.strategy == "weighted" and not (model.rules or model.fallbacks)


def _apart(entries: Sequence[Entry]) -> list[Entry]:
    """With ids that differ, so that a measure or a draw of one is not that of another."""
    seen: dict[str, int] = {}
    made: list[Entry] = []
    for entry in entries:
        seen[entry.id] = seen.get(entry.id, 0) + 1
        made.append(entry if seen[entry.id] == 1 else msgspec.structs.replace(entry, id=f"{entry.id}#{seen[entry.id]}"))
    return made


def _flat(branch: Branch) -> tuple[Target, ...]:
    """The targets of a branch and of the models within, each with its weight where it stands directly in the branch."""
    found: dict[str, Target] = {}
    for entry in branch.entries:
        own = [] if entry.target is None else [msgspec.structs.replace(entry.target, weight=entry.weight)]
        for target in entry.model.targets if entry.model is not None else own:
            found.setdefault(target.id, target)
    return tuple(found.values())
