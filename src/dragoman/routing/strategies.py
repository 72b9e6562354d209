"""The strategies: each puts the entries of a branch in order, and says of each place what put it there.

They choose by what is known beforehand and measured; who is in trouble, and where a session sits, is looked at afterwards (`route`),
but for `cheapest`, to which a warm cache is a matter of price.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy

from dragoman.config.routing_schema import Strategy
from dragoman.routing.affinity import Sitting, session_key, spot
from dragoman.routing.balance import order
from dragoman.routing.decision import NeedsClassifier, Place
from dragoman.routing.score import SIDE_KINDS, score, tier_of
from dragoman.routing.seat import Seat
from dragoman.routing.tree import Branch, Entry, Tiering
from dragoman.routing.walk import Judgement, Notes, Walk

Group = tuple[Entry, list[Place]]
"""An entry of a branch with its places."""
Within = Callable[[Entry, Walk], list[Place]]
"""Walks an entry that is a virtual model, and gives its places."""

_EXPLORED = 0.03
"""The share of requests without a seat of their own that `latency` sends elsewhere than to the fastest, to see how fast that is now."""
_FIRST_TRIES = 3
"""Requests of the last minute that an unmeasured target gets before it has to wait for its measure."""
_ALIKE = 1.1
"""Latencies that differ by less than this factor are alike: weights choose among them, so that not all rush to one."""
_WORTH_MOVING = 0.9
"""A session moves for a price below this share of what it pays where it is: a move also costs the model its earlier thoughts."""
_LAST = float("inf")


def arrange(branch: Branch, walk: Walk, within: Within) -> list[Place]:
    """The places of a branch in the order of its strategy."""
    if len(branch.entries) == 1:
        entry = branch.entries[0]
        return within(entry, walk) if entry.model is not None else walk.tried(entry, "the only target")
    inner: dict[str, Notes] = {}

    def apart(entry: Entry, walk: Walk) -> list[Place]:
        """What is noted within one of several is told only if that one comes first."""
        outer, walk.notes = walk.notes, copy(walk.notes)
        places = within(entry, walk)
        inner[entry.id], walk.notes = walk.notes, outer
        return places

    groups = _TABLE[branch.strategy](branch, walk, apart)
    if groups and groups[0][0].id in inner:
        walk.notes.adopt(inner[groups[0][0].id])
    return [place for _, places in groups for place in places]


def _group(entry: Entry, walk: Walk, within: Within, why: str, value: float | None = None) -> Group:
    return entry, within(entry, walk) if entry.model is not None else walk.tried(entry, why, value)


def _weighted(branch: Branch, walk: Walk, within: Within) -> list[Group]:
    return _by_weight(branch.entries, walk, within, "weight {value:g}")


def _by_weight(entries: Sequence[Entry], walk: Walk, within: Within, why: str) -> list[Group]:
    """A weighted choice for the first; then whatever serves the same model, before other models."""
    ranked = [_group(entry, walk, within, why, entry.weight) for entry in order(entries, walk.session, walk.draw())]
    if len(ranked) > 2 and ranked[0][1]:
        kin = ranked[0][1][0].seat.kin
        ranked.sort(key=lambda group: not group[1] or group[1][0].seat.kin != kin)
    return ranked


def _priority(branch: Branch, walk: Walk, within: Within) -> list[Group]:
    found: list[Group] = []
    for priority in sorted({entry.priority for entry in branch.entries}):
        alike = [entry for entry in branch.entries if entry.priority == priority]
        found += _by_weight(alike, walk, within, f"priority {priority}, weight {{value:g}}")
    return found


# ---- by measure ----------------------------------------------------------------------------------------------------------


def _latency(branch: Branch, walk: Walk, within: Within) -> list[Group]:
    """The time that an answer of this request may take. The unmeasured get a few requests first; a small share looks elsewhere."""
    groups = [_timed(entry, walk, within) for entry in order(branch.entries, walk.session, walk.draw())]
    ranks = {group[0].id: _rank(group, walk) for group in groups}
    best = min((seconds for seconds in ranks.values() if seconds >= 0), default=0.0)
    groups.sort(key=lambda group: best if best <= ranks[group[0].id] <= best * _ALIKE else ranks[group[0].id])
    drawn = walk.draw()
    if drawn < _EXPLORED and ranks[groups[0][0].id] >= 0:
        entry, places = groups.pop(1 + int(drawn / _EXPLORED * (len(groups) - 1)))
        groups.insert(0, (entry, [Place(place.seat, "to see how fast it is now") for place in places]))
    return groups


def _timed(entry: Entry, walk: Walk, within: Within) -> Group:
    """Its places, the fastest key first."""
    if entry.model is not None:
        return entry, within(entry, walk)
    places = walk.tried(entry, "not measured yet", by=lambda seat: _seconds(seat, walk) or 0.0)
    return entry, [
        place if (seconds := _seconds(place.seat, walk)) is None else Place(place.seat, "about {value:.2f} s", seconds) for place in places
    ]


def _rank(group: Group, walk: Walk) -> float:
    """The seconds expected of its first seat; below zero: it is to be measured now; infinite: that is under way, or it has no seat."""
    _, places = group
    if not places:
        return _LAST
    seconds = _seconds(places[0].seat, walk)
    if seconds is not None:
        return seconds
    return -1.0 if _asked(places, walk) < _FIRST_TRIES else _LAST


def _seconds(seat: Seat, walk: Walk) -> float | None:
    health = walk.board.known(seat)
    if health is None or health.first_token_s is None:
        return None
    return health.first_token_s + (health.token_s or 0.0) * walk.ask.output_tokens


def _asked(places: Sequence[Place], walk: Walk) -> float:
    """Requests of the last minute to any of these."""
    known = (walk.board.known(place.seat) for place in places)
    return sum(health.requests.total(walk.now) for health in known if health is not None)


def _least_busy(branch: Branch, walk: Walk, within: Within) -> list[Group]:
    return _by_load(branch, walk, within, "{value:g} running for each weight", _running)


def _usage(branch: Branch, walk: Walk, within: Within) -> list[Group]:
    return _by_load(branch, walk, within, "{value:.0f} tokens of the last minute for each weight", _tokens)


def _by_load(branch: Branch, walk: Walk, within: Within, why: str, load: Callable[[Seat, Walk], float]) -> list[Group]:
    """The load of all its keys together, for each unit of its weight; equal ones share by weight."""
    found: list[tuple[float, Group]] = []
    for entry in order(branch.entries, walk.session, walk.draw()):
        is_model = entry.model is not None
        places = within(entry, walk) if is_model else walk.tried(entry, why, by=lambda seat: load(seat, walk) / seat.weight)
        value = sum(load(place.seat, walk) for place in places) / entry.weight
        found.append((value, (entry, places if is_model else [Place(place.seat, why, value) for place in places])))
    found.sort(key=lambda pair: pair[0])
    return [group for _, group in found]


def _running(seat: Seat, walk: Walk) -> float:
    health = walk.board.known(seat)
    return 0.0 if health is None else float(health.running)


def _tokens(seat: Seat, walk: Walk) -> float:
    health = walk.board.known(seat)
    return 0.0 if health is None else health.tokens.total(walk.now)


# ---- by price ------------------------------------------------------------------------------------------------------------


def _cheapest(branch: Branch, walk: Walk, within: Within) -> list[Group]:
    """What this request costs at each, now: where its session sits, what its prompt cache holds costs the cached price."""
    sitting = walk.sitting()
    found: list[tuple[float, Group]] = []
    for entry in order(branch.entries, walk.session, walk.draw()):
        _, places = _group(entry, walk, within, "")
        priced = [_priced(place.seat, sitting, walk) for place in places]
        if entry.model is None:
            priced.sort(key=lambda pair: pair[0])
        found.append((priced[0][0] if priced else _LAST, (entry, [place for _, place in priced])))
    found.sort(key=lambda pair: pair[0])
    if sitting is not None:
        _settle(found, sitting.spot, walk)
    return [group for _, group in found]


def _priced(seat: Seat, sitting: Sitting | None, walk: Walk) -> tuple[float, Place]:
    price = walk.price(seat.provider, seat.model, walk.ask.wall)
    if price is None:
        return _LAST, Place(seat, "price unknown")
    cached = min(walk.ask.tokens, sitting.tokens) if sitting is not None and sitting.spot == spot(seat) else 0
    cost = price.of(walk.ask.tokens, cached, walk.ask.output_tokens)
    warm = f", {cached} tokens of it in its warm cache" if cached else ""
    return cost, Place(seat, f"about ${{value:.6f}}{warm}", cost)


def _settle(found: list[tuple[float, Group]], sits: str, walk: Walk) -> None:
    """Whether the session stays, by price; that is then not asked again."""
    places = [(number, place) for number, (_, (_, group)) in enumerate(found) for place in group]
    at, own = next(((number, place) for number, place in places if spot(place.seat) == sits), (-1, None))
    if own is None or walk.board.standing(own.seat, walk.now) not in ("ready", "trial"):
        return
    walk.notes.is_settled = True
    # An entry of a model with a wildcard may have no seat for the name that was asked for.
    lowest, first = next((cost, group[0]) for cost, (_, group) in found if group)
    cost = _LAST if own.value is None else own.value
    if at == 0 or cost == _LAST or lowest >= cost * _WORTH_MOVING:
        group = found.pop(at)
        group[1][1].remove(own)
        group[1][1].insert(0, own)
        found.insert(0, group)
        walk.notes.sticky = True
    else:
        walk.notes.moved = f"`{first.seat.id}` costs about ${lowest:.6f}, `{own.seat.id}` with its warm cache ${cost:.6f}"


# ---- by tier -------------------------------------------------------------------------------------------------------------


def _tiered(branch: Branch, walk: Walk, within: Within) -> list[Group]:
    """The tier that the request calls for, then the stronger ones, then the weaker ones, the strongest of these first."""
    tiers = branch.tiers
    if tiers is None:
        return _weighted(branch, walk, within)
    chosen = tiers.order.index(_choose_tier(tiers, walk))
    walk.notes.path += (tiers.order[chosen],)
    found: list[Group] = []
    for tier in (*tiers.order[chosen:], *reversed(tiers.order[:chosen])):
        entries = [entry for entry in branch.entries if entry.tier == tier]
        if entries:
            found += _by_weight(entries, walk, within, f"tier `{_verbatim(tier)}`, weight {{value:g}}")
    return found


def _verbatim(name: str) -> str:
    """A name as it must stand in a reason for being told as it is: a place's measure is put in where braces are (`Place.reason`)."""
    return name.replace("{", "{{").replace("}", "}}")


def _choose_tier(tiers: Tiering, walk: Walk) -> str:
    """By a classifier's word if there is one, else by the score; and never below what the session has come to, but for requests
    beside the conversation."""
    notes = walk.notes
    notes.score = found = score(walk.ask)
    tier, notes.tier_why = tier_of(found.total, tiers.order, tiers.thresholds), f"score {found}"
    is_aside = not SIDE_KINDS.isdisjoint(walk.ask.kinds)
    if walk.session is not None and not is_aside:
        notes.tier_key = session_key(walk.session, "/".join([*notes.path, "its tier"]))
    held = walk.sessions.find(notes.tier_key, walk.now, walk.affinity.lifetime_s) if notes.tier_key is not None else None
    notes.judged = held is not None and held.judged
    if walk.judgement is not None and not is_aside:
        tier = _judged(walk.judgement, tiers, tier, walk)
    elif tiers.judge and not is_aside and not notes.judged:
        notes.classifier = NeedsClassifier(tiers.judge, tiers.timeout_s, tiers.order, tiers.prompt)
    if held is not None and held.tier in tiers.order and tiers.order.index(held.tier) > tiers.order.index(tier):
        tier, notes.tier_why = held.tier, f"the session has come to it before; {notes.tier_why}"
    notes.tier = tier
    return tier


def _judged(judgement: Judgement, tiers: Tiering, tier: str, walk: Walk) -> str:
    """The tier that was named, else that of the score; either way the session is not asked about again."""
    walk.notes.judged = True
    walk.notes.tier_why = f"{judgement.why}; {walk.notes.tier_why}"
    return judgement.tier if judgement.tier in tiers.order else tier


_TABLE: dict[Strategy, Callable[[Branch, Walk, Within], list[Group]]] = {
    "weighted": _weighted,
    "priority": _priority,
    "latency": _latency,
    "cheapest": _cheapest,
    "least-busy": _least_busy,
    "usage": _usage,
    "tiered": _tiered,
}
