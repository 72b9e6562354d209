"""What a model name is compiled to: rules and branches whose leaves are seats. Immutable; walked by `route` on every request."""

from __future__ import annotations

import msgspec

from dragoman.config.routing_schema import Affinity, Retry, Strategy
from dragoman.routing.conditions import Condition
from dragoman.routing.decision import Decision
from dragoman.routing.draw import Draw
from dragoman.routing.seat import Seat
from dragoman.routing.target import Target


class Entry(msgspec.Struct, frozen=True):
    """One of those that a branch chooses from: a target with its seats (none where no key may be used for it), or a virtual model."""

    id: str
    target: Target | None = None
    seats: tuple[Seat, ...] = ()
    model: VirtualModel | None = None
    weight: int = 1
    priority: int = 1
    tier: str = ""


class Tiering(msgspec.Struct, frozen=True):
    """Tiers, the cheapest first, and the scores at which each but the first begins. judge: the name of the model that is
    asked instead, for so many seconds, with this prompt (empty: the usual one)."""

    order: tuple[str, ...]
    thresholds: tuple[float, ...]
    judge: str = ""
    timeout_s: float = 0.0
    prompt: str = ""


class Branch(msgspec.Struct, frozen=True):
    """A choice by one strategy."""

    entries: tuple[Entry, ...]
    strategy: Strategy = "weighted"
    tiers: Tiering | None = None


class Rule(msgspec.Struct, frozen=True):
    """A branch that is taken where its condition holds. never: why it cannot ever be, as far as config tells."""

    name: str
    when: Condition
    branch: Branch
    never: str = ""


class VirtualModel(msgspec.Struct, frozen=True):
    """What a name stands for. targets: all its own, flat (without those of rules and fallbacks); reason: how it was found. only: the
    decision where nothing is left to decide; draw: the decisions of a model that only draws, else None."""

    name: str
    targets: tuple[Target, ...]
    reason: str
    branch: Branch = Branch(())
    rules: tuple[Rule, ...] = ()
    fallbacks: tuple[Entry, ...] = ()
    retry: Retry = Retry()
    affinity: Affinity = Affinity()
    rescue: bool = False
    only: Decision | None = None
    draw: Draw | None = None

    @property
    def never(self) -> tuple[str, ...]:
        """Its rules that can never be taken, each with the reason."""
        return tuple(f"rule `{rule.name}` is never taken: {rule.never}" for rule in self.rules if rule.never)
