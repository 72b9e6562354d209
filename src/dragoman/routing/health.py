"""What is known of one seat and of one provider key, and what follows from it: may it be tried, why not, until when.

Data and readings of it; what changes it is in `board`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from dragoman.config.routing_schema import Breaker
from dragoman.ir.errors import Kind
from dragoman.routing.breaker import Circuit
from dragoman.routing.budget import Budget
from dragoman.routing.ratelimits import NONE, Limits
from dragoman.routing.recent import Recent

Standing = Literal["ready", "trial", "spent", "open", "resting", "refused"]
"""May a seat be tried? ready: yes. trial: yes, it was broken and is being tried again. spent: its limit is used up as its provider
tells, so others go first. open: it is taken for broken, and goes last. resting: its provider asked for time. refused: its key is."""


class Account(msgspec.Struct):
    """One key of one provider."""

    id: str
    provider: str
    refused_until: float = 0.0
    since: float = 0.0
    why: str = ""
    kind: Kind = Kind.PROVIDER_KEY


class Health(msgspec.Struct):
    """What is known of one seat. Strategies may read the numbers; only the board writes.

    running: requests there now. first_token_s, token_s: moving averages of the time to the first output and for each token of output
    after it, None: not measured. requests, tokens: of the last minute. limits: as its provider last told.
    """

    id: str
    provider: str
    model: str
    key: str
    account: Account
    budget: Budget
    circuit: Circuit = msgspec.field(default_factory=Circuit)
    troubled: bool = False
    rest_until: float = 0.0
    rest_since: float = 0.0
    rest_why: str = ""
    rest_kind: Kind = Kind.RATE_LIMITED
    refused_until: float = 0.0
    refused_since: float = 0.0
    refused_why: str = ""
    refused_kind: Kind = Kind.PROVIDER_PERMISSION
    limited: int = 0
    running: int = 0
    first_token_s: float | None = None
    token_s: float | None = None
    requests: Recent = msgspec.field(default_factory=Recent)
    tokens: Recent = msgspec.field(default_factory=Recent)
    limits: Limits = NONE
    seen: float = 0.0

    def headroom(self, now: float) -> float:
        """The share that is left of its scarcest limit, from 0 to 1; 1 where its provider tells of none."""
        return self.limits.headroom(now) if self.limits.each else 1.0


class Shown(msgspec.Struct, frozen=True, omit_defaults=True):
    """One seat as pages show it. Times are seconds: `for_s` since it came to stand so, `until_s` until that ends."""

    id: str
    provider: str
    model: str
    key: str
    standing: Standing
    why: str = ""
    for_s: float | None = None
    until_s: float | None = None
    running: int = 0
    first_token_s: float | None = None
    token_s: float | None = None
    requests: int = 0
    tokens: int = 0
    limits: tuple[LimitShown, ...] = ()


class LimitShown(msgspec.Struct, frozen=True, omit_defaults=True):
    """One limit as pages show it; `full_s`: seconds until all of it is there again."""

    of: str
    most: float | None = None
    left: float | None = None
    full_s: float | None = None


def standing(health: Health, now: float, settings: Breaker) -> Standing:
    """Whether this seat may be tried now. One whose trouble is over is marked as untroubled."""
    if health.account.refused_until > now or health.refused_until > now:
        return "refused"
    if health.rest_until > now:
        return "resting"
    circuit = health.circuit
    if circuit.state != "closed":
        return "trial" if circuit.may_try(now, settings) else "open"
    if health.limits.free_at(now) is not None:
        return "spent"
    health.troubled = False
    return "ready"


class Cause(msgspec.Struct, frozen=True):
    """Why something stands as it does, since when, and until when; kind: of the error that a client is told for it."""

    why: str = ""
    since: float | None = None
    until: float | None = None
    kind: Kind = Kind.OVERLOADED


def cause(health: Health, stands: Standing, now: float) -> Cause:
    """Why the seat stands as `stands` says."""
    account, circuit, limits = health.account, health.circuit, health.limits
    if stands == "refused":
        if health.refused_until > now:
            return Cause(health.refused_why, health.refused_since, health.refused_until, health.refused_kind)
        return Cause(account.why, account.since, account.refused_until, account.kind)
    if stands == "resting":
        return Cause(health.rest_why, health.rest_since, health.rest_until, health.rest_kind)
    if stands in ("open", "trial"):
        return Cause(circuit.why, circuit.since, circuit.until)
    if stands == "spent":
        spent = ", ".join(limit.of or "requests" for limit in limits.each if limit.is_spent(now))
        return Cause(f"nothing is left of its limit ({spent})", None, limits.free_at(now))
    return Cause()


def why(health: Health, now: float, settings: Breaker) -> str:
    """In words why it is not simply ready, with how long that will be; empty if it is."""
    stands = standing(health, now, settings)
    if stands == "ready":
        return ""
    found = cause(health, stands, now)
    wait = f" for {_duration(found.until - now)}" if found.until is not None and found.until > now else ""
    return f"{_WORDS[stands]}{wait}" + (f": {found.why}" if found.why else "")


def show(health: Health, now: float, settings: Breaker) -> Shown:
    """The seat as pages show it."""
    stands = standing(health, now, settings)
    found = cause(health, stands, now)
    return Shown(
        id=health.id,
        provider=health.provider,
        model=health.model,
        key=health.key,
        standing=stands,
        why=found.why,
        for_s=None if found.since is None else round(now - found.since, 3),
        until_s=_until(found.until, now),
        running=health.running,
        first_token_s=_rounded(health.first_token_s),
        token_s=_rounded(health.token_s),
        requests=round(health.requests.total(now)),
        tokens=round(health.tokens.total(now)),
        limits=tuple(LimitShown(it.of, it.most, it.left, _until(it.full_at, now)) for it in health.limits.each),
    )


def names(health: Health) -> Iterable[str]:
    """The names that it goes by: seat, deployment, key, provider, and `*`."""
    return ("*", health.id, f"{health.provider}/{health.model}", health.account.id, health.provider)


_WORDS: dict[Standing, str] = {
    "trial": "was broken and is tried again",
    "spent": "limit used up",
    "open": "taken for broken",
    "resting": "resting",
    "refused": "refused",
}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _until(time: float | None, now: float) -> float | None:
    return None if time is None else round(max(0.0, time - now), 3)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
