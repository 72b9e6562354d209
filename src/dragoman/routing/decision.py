"""What was decided about where a request goes, and why: for the plan, which takes its chain, and for everybody who asks later."""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.config.routing_schema import Retry
from dragoman.routing.board import Standing
from dragoman.routing.score import Score
from dragoman.routing.seat import Seat


class Place(msgspec.Struct, frozen=True):
    """A seat's place in the order. why: what put it there, with `{value}` where its measure stands; trouble: why it is not simply
    ready, if that is so."""

    seat: Seat
    why: str
    value: float | None = None
    standing: Standing = "ready"
    trouble: str = ""

    @property
    def reason(self) -> str:
        """Why it stands where it does, in words."""
        return self.why if self.value is None else self.why.format(value=self.value)


class NeedsClassifier(msgspec.Struct, frozen=True):
    """A question to a model that is to be asked before the choice is final: which of these tiers? Until it is answered (or not, in time)
    the decision stands by the score. model: its name, to be resolved. prompt: empty for the usual one."""

    model: str
    timeout_s: float
    tiers: tuple[str, ...]
    prompt: str = ""


class Decision(msgspec.Struct, frozen=True):
    """Where a request goes. places: every seat that may be tried, in order.

    model: the name that was resolved; found: how; rule: whose targets these are (empty: the model's own); passed: rules that did not
    hold, each with what did not; strategy: that put them in order. session: what the request's session was read from (empty: it
    has none); sticky: it stays where it was; moved: why it does not; mixed: it has moved at some time. tier, score, tier_why: what
    `tiered` came to. classifier: a question to be answered first. never: the model's rules that can never be taken. seat_key, tier_key,
    judged: what `Router.keep` remembers the session by.
    """

    model: str
    found: str
    places: tuple[Place, ...]
    strategy: str = "weighted"
    rule: str = ""
    passed: tuple[tuple[str, str], ...] = ()
    session: str = ""
    sticky: bool = False
    moved: str = ""
    tier: str = ""
    tier_why: str = ""
    score: Score | None = None
    classifier: NeedsClassifier | None = None
    never: tuple[str, ...] = ()
    retry: Retry = Retry()
    rescue: bool = False
    seat_key: bytes | None = None
    tier_key: bytes | None = None
    judged: bool = False
    mixed: bool = False
    chain: tuple[Seat, ...] = ()

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "chain", tuple([place.seat for place in self.places]))


def told(decision: Decision) -> dict[str, Any]:
    """The decision as JSON holds it: what is empty is left out."""
    said: dict[str, Any] = {
        "model": decision.model,
        "found": decision.found,
        "rule": decision.rule,
        "passed": [{"rule": rule, "fails": what} for rule, what in decision.passed],
        "strategy": decision.strategy,
        "tier": decision.tier,
        "tier_why": decision.tier_why,
        "score": None if decision.score is None else {"total": decision.score.total, "parts": dict(decision.score.parts)},
        "classifier": "" if decision.classifier is None else decision.classifier.model,
        "session": decision.session,
        "sticky": decision.sticky,
        "moved": decision.moved,
        "places": [_told_place(place) for place in decision.places],
        "never": list(decision.never),
    }
    return {name: value for name, value in said.items() if value not in ("", None, [], False)}


def explain(decision: Decision) -> str:
    """The decision as a block of a few lines for people."""
    lines = [_head(decision)]
    lines += [f"  rule `{rule}` does not hold: {what}" for rule, what in decision.passed]
    if decision.tier:
        lines.append(f"  tier `{decision.tier}`: {decision.tier_why}")
    if decision.classifier is not None:
        lines.append(f"  classifier `{decision.classifier.model}` is asked first, which may take another tier")
    if decision.moved:
        lines.append(f"  the session moves: {decision.moved}")
    elif decision.session:
        lines.append(f"  session by {decision.session}" + (", stays where it is" if decision.sticky else ", new here"))
    width = max((len(place.seat.id) for place in decision.places), default=0)
    for number, place in enumerate(decision.places, start=1):
        trouble = f"; {place.trouble}" if place.trouble else ""
        lines.append(f"  {number}. {place.seat.id:<{width}}  {place.reason}{trouble}")
    if not decision.places:
        lines.append("  nothing may be asked: no key of its providers may be used for it")
    lines += [f"  {warning}" for warning in decision.never]
    return "\n".join(lines)


def _head(decision: Decision) -> str:
    rule = f", rule `{decision.rule}`" if decision.rule else ""
    return f"{decision.model} ({decision.found}{rule}, {decision.strategy})"


def _told_place(place: Place) -> dict[str, Any]:
    said = {"seat": place.seat.id, "why": place.reason, "value": place.value}
    if place.standing != "ready":
        said |= {"standing": place.standing, "trouble": place.trouble}
    return {name: value for name, value in said.items() if value is not None}
