"""From a resolved model and the facts of a request to the seats that may answer it, in order, each with its reason.

The tree is walked (rules, then strategies), the session's own seat comes first while it is well, and who is in trouble goes last.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import msgspec

from dragoman.routing.affinity import Sessions, Sitting, response_key, session_key, spot
from dragoman.routing.ask import Ask
from dragoman.routing.board import Board, Standing
from dragoman.routing.decision import Decision, Place
from dragoman.routing.draw import WELL, once, sit
from dragoman.routing.seat import Seat
from dragoman.routing.strategies import arrange
from dragoman.routing.tree import Branch, Entry, VirtualModel
from dragoman.routing.walk import Judgement, PriceOf, Walk, no_price

_GRADES: dict[Standing, int] = {"ready": 0, "trial": 0, "spent": 1, "open": 2, "resting": 3, "refused": 4}


class Router:
    """Decides where requests go. Belongs to the process, like its `sessions`; `price` may be replaced by a reload."""

    def __init__(self, sessions: Sessions | None = None, price: PriceOf = no_price) -> None:
        self.sessions = Sessions() if sessions is None else sessions
        self.price = price

    def route(
        self,
        model: VirtualModel,
        ask: Ask,
        board: Board,
        now: float,
        draw: float,
        *,
        extra: Sequence[VirtualModel] = (),
        judgement: Judgement | None = None,
    ) -> Decision:
        """Where this request goes. extra: what its client wants tried after everything else. judgement: the answer to the decision's
        `classifier`, if it had one: then route once more with it. now: the process's clock; draw: a random number in [0, 1)."""
        ready = None if extra else self._lone(model, ask, now) or self._drawn(model, ask, board, now, draw)
        if ready is not None:
            return ready
        walk = Walk(ask, board, now, draw, sessions=self.sessions, price=self.price, affinity=model.affinity)
        walk.judgement = judgement
        places = once([*_of_model(model, walk), *(place for other in extra for place in _after(other, walk, "wanted by the client"))])
        places = _by_standing(places, walk)
        notes = walk.notes
        seat_key = walk.seat_key()
        sitting = None if seat_key is None or notes.is_settled else self.sessions.find(seat_key, now, model.affinity.lifetime_s)
        if sitting is not None:
            places = _with_session(places, sitting, walk)
        places = self._held(places, walk)
        return Decision(
            model=model.name,
            found=model.reason,
            places=tuple(places),
            strategy=notes.strategy,
            rule=notes.rule,
            passed=notes.passed,
            session=ask.session_from if walk.session is not None else "",
            sticky=notes.sticky,
            moved=notes.moved,
            tier=notes.tier,
            tier_why=notes.tier_why,
            score=notes.score,
            classifier=notes.classifier,
            never=model.never,
            retry=model.retry,
            rescue=model.rescue,
            seat_key=seat_key,
            tier_key=notes.tier_key,
            judged=notes.judged,
            mixed=sitting is not None and sitting.mixed,
        )

    def lone(self, model: VirtualModel, session: str | None, session_from: str, now: float) -> Decision | None:
        """The decision of a model with one seat, which knows the sessions whose thoughts that has refused; None: there is more to decide.
        Where `sessions.has_lone` is not set, `model.only` says the same."""
        only = model.only
        if only is None or session is None or not model.affinity.on:
            return only
        key = session_key(session, _lone_path(model))
        sitting = self.sessions.find(key, now, model.affinity.lifetime_s)
        return only if sitting is None else msgspec.structs.replace(only, session=session_from, seat_key=key, mixed=sitting.mixed)

    def keep_lone(self, model: VirtualModel, session: str | None, now: float) -> None:
        """The one seat of a model refused thoughts of this session, and answered without them: it is not to be asked with them again."""
        if model.only is not None and session is not None and model.affinity.on:
            self.sessions.has_lone = True
            self.sessions.keep(session_key(session, _lone_path(model)), Sitting(spot(model.only.chain[0]), now, mixed=True))

    def drawn(self, model: VirtualModel, session: str | None, session_from: str, board: Board, now: float, draw: float) -> Decision | None:
        """The decision of a model that only draws, for a request that is no other's continuation; None: there is more to decide."""
        lots = model.draw
        if lots is None or not board.are_ready(lots.seats, now):
            return None
        if session is None or not model.affinity.on:
            return lots.at_random(draw)
        key = session_key(session, lots.path)
        return lots.by_session(session, session_from, key, self.sessions.find(key, now, model.affinity.lifetime_s))

    def _lone(self, model: VirtualModel, ask: Ask, now: float) -> Decision | None:
        if model.only is None or not self.sessions.has_lone:
            return model.only
        return self.lone(model, ask.session, ask.session_from, now)

    def _drawn(self, model: VirtualModel, ask: Ask, board: Board, now: float, draw: float) -> Decision | None:
        if model.draw is None or ask.previous is not None:
            return None
        return self.drawn(model, ask.session, ask.session_from, board, now, draw)

    def keep(
        self, decision: Decision, seat: Seat, now: float, *, tokens: int = 0, response: str | None = None, mixed: bool = False
    ) -> None:
        """This seat answered: the session sits there now. tokens: of input and output, which its prompt cache may hold now.
        response: the id of an answer that its provider keeps, so that whoever goes on from it comes back. mixed: the session came here from
        elsewhere, or thoughts in its history were refused."""
        if decision.seat_key is not None:
            self.sessions.keep(decision.seat_key, Sitting(spot(seat), now, tokens, mixed=mixed or decision.mixed))
        if decision.tier_key is not None:
            self.sessions.keep(decision.tier_key, Sitting("", now, tier=decision.tier, judged=decision.judged))
        if response is not None and len(decision.chain) > 1:
            self.sessions.keep(response_key(response), Sitting(spot(seat), now))

    def _held(self, places: list[Place], walk: Walk) -> list[Place]:
        """A response that is kept by its provider can be gone on from only there."""
        if len(places) < 2 or walk.ask.previous is None:
            return places
        holder = self.sessions.find(response_key(walk.ask.previous), walk.now, walk.affinity.lifetime_s)
        held = next((place for place in places if holder is not None and spot(place.seat) == holder.spot), None)
        if held is None:
            return places
        walk.notes.sticky, walk.notes.moved = True, ""
        same = [place for place in places if place is not held and place.seat.deployment == held.seat.deployment]
        return [msgspec.structs.replace(held, why="keeps the response that this one goes on from", value=None), *same]


def _lone_path(model: VirtualModel) -> str:
    """The path that a walk through its tree would note."""
    return f"{model.name}/"


# ---- the walk ------------------------------------------------------------------------------------------------------------


def _of_model(model: VirtualModel, walk: Walk) -> list[Place]:
    """Everything that a model leads to: its own targets, then its fallbacks."""
    found = _own(model, walk)
    for entry in model.fallbacks:
        found += _after(entry.model, walk, "fallback") if entry.model is not None else walk.tried(entry, "fallback")
    return found


def _own(model: VirtualModel, walk: Walk) -> list[Place]:
    """The targets of the first rule that holds, else the model's own."""
    notes = walk.notes
    name, branch = _choose(model, walk)
    notes.path += (model.name, name)
    if name:
        notes.rule = f"{notes.rule} > {name}" if notes.rule else name
    if not notes.strategy and (len(branch.entries) != 1 or branch.entries[0].model is None):
        notes.strategy = branch.strategy
    return arrange(branch, walk, _within)


def _choose(model: VirtualModel, walk: Walk) -> tuple[str, Branch]:
    for rule in model.rules:
        fails = rule.when.fails(walk.ask)
        if not fails:
            return rule.name, rule.branch
        walk.notes.passed += ((rule.name, fails),)
    return "", model.branch


def _within(entry: Entry, walk: Walk) -> list[Place]:
    assert entry.model is not None
    return _of_model(entry.model, walk)


def _after(model: VirtualModel, walk: Walk, why: str) -> list[Place]:
    """The places of a model that comes after everything else, without its own fallbacks: models may name each other as such. What is noted
    within is not told of the request."""
    outer, walk.notes = walk.notes, copy(walk.notes)
    found = _own(model, walk)
    walk.notes = outer
    return [msgspec.structs.replace(place, why=f"{why}: {place.why}") for place in found]


# ---- what comes after ----------------------------------------------------------------------------------------------------


def _by_standing(places: list[Place], walk: Walk) -> list[Place]:
    """Who is in trouble goes last, the worst at the very end, and says why."""
    board, now = walk.board, walk.now
    standings = [board.standing(place.seat, now) for place in places]
    if standings.count("ready") == len(standings):
        return places
    told = [
        place if standing == "ready" else msgspec.structs.replace(place, standing=standing, trouble=board.why(place.seat, now))
        for standing, place in zip(standings, places, strict=True)
    ]
    return sorted(told, key=lambda place: _GRADES[place.standing])


def _with_session(places: list[Place], sitting: Sitting, walk: Walk) -> list[Place]:
    """The seat of the session first, its deployment's other keys next; unless it is in trouble, which is told."""
    own = next((place for place in places if spot(place.seat) == sitting.spot), None)
    if own is None:
        walk.notes.moved = f"`{sitting.spot}` is no target any more"
        return places
    if own.standing not in WELL:
        walk.notes.moved = f"`{own.seat.id}` is {own.trouble}"
        return places
    walk.notes.sticky = True
    return list(sit(own, [place for place in places if place is not own]))
