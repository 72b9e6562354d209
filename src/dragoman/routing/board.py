"""What this process knows of its seats: health, measures, limits. One mutable object, kept by names, that outlives reloads.

Pure: `now` (seconds that only grow) is always an argument. Reading it changes nothing but forgets what is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dragoman.config.routing_schema import Breaker
from dragoman.ir.errors import GatewayError, Kind
from dragoman.routing.budget import Budget
from dragoman.routing.health import Account, Health, Shown, Standing, names, show, standing, why
from dragoman.routing.ratelimits import NONE, Limits
from dragoman.routing.seat import Seat

__all__ = ["Board", "Health", "Shown", "Standing"]

_KEPT = 10_000
"""Seats that are remembered; clients can choose names of models, so their number is bounded."""
_WEIGHT = 0.2
"""What the latest measure counts in a moving average."""
_REST_S = 1.0
"""The rest after a first 429 that names no wait; each further one in a row doubles it, up to _REST_MAX_S."""
_REST_MAX_S = 60.0
_ASKED_MAX_S = 3600.0
"""The longest rest that a provider gets for the asking; then one request may see whether it meant it."""
_WHY = 300


class Board:
    """The health of every seat and key. `settings` may be replaced by a reload."""

    def __init__(self, settings: Breaker | None = None) -> None:
        self.settings = settings or Breaker()
        self._seats: dict[str, Health] = {}
        self._accounts: dict[str, Account] = {}
        self._budgets: dict[str, Budget] = {}

    # -- reading ---------------------------------------------------------------------------------------------------------------

    def health(self, seat: Seat) -> Health:
        """What is known of this seat; made where nothing is."""
        return self._seats.get(seat.id) or self._remember(seat)

    def known(self, seat: Seat) -> Health | None:
        """What is known of this seat; None: nothing yet."""
        return self._seats.get(seat.id)

    def standing(self, seat: Seat, now: float) -> Standing:
        """Whether this seat may be tried now."""
        health = self._seats.get(seat.id)
        if health is None:
            account = self._accounts.get(seat.account)
            return "refused" if account is not None and account.refused_until > now else "ready"
        if not (health.troubled or health.account.refused_until):
            return "ready"
        return standing(health, now, self.settings)

    def are_ready(self, seats: Iterable[Seat], now: float) -> bool:
        """Whether each of these is simply ready."""
        known = self._seats
        for seat in seats:
            health = known.get(seat.id)
            # By far the most: there is nothing to be looked at closer.
            if health is not None and not health.troubled and not health.account.refused_until:
                continue
            if self.standing(seat, now) != "ready":
                return False
        return True

    def is_doubted(self, seat: Seat, now: float) -> bool:
        """Whether it stands refused only because its key was refused with another model. That may have been about the model: where
        nothing else can answer it is worth one question, unless its provider has asked for time."""
        health = self._seats.get(seat.id)
        return self.standing(seat, now) == "refused" and (health is None or max(health.refused_until, health.rest_until) <= now)

    def is_broken(self, seat: Seat, at: float) -> bool:
        """Whether it is taken for broken then, though it may be resting now, too."""
        health = self._seats.get(seat.id)
        return health is not None and not health.circuit.may_try(at, self.settings)

    def ready_at(self, seat: Seat, now: float) -> float:
        """The earliest time at which its provider wants to be asked here again: `now` where that is so already."""
        health = self._seats.get(seat.id)
        if health is None:
            account = self._accounts.get(seat.account)
            return now if account is None else max(now, account.refused_until)
        return max(now, health.rest_until, health.refused_until, health.account.refused_until)

    def why(self, seat: Seat, now: float) -> str:
        """In words why it is not simply ready, with how long that will be; empty if it is."""
        return why(self.health(seat), now, self.settings)

    def view(self, now: float) -> list[Shown]:
        """Every seat that was asked, by name."""
        return [show(health, now, self.settings) for _, health in sorted(self._seats.items())]

    def each(self, now: float) -> Iterator[tuple[Health, Standing]]:
        """Every seat that was asked, and how it stands; without the words of `view`."""
        settings = self.settings
        for health in self._seats.values():
            is_well = not (health.troubled or health.account.refused_until)
            yield health, "ready" if is_well else standing(health, now, settings)

    # -- what happens ----------------------------------------------------------------------------------------------------------

    def begin(self, seat: Seat, now: float) -> Health | None:
        """The first try of an exchange goes to this seat, if it is simply ready; None if not."""
        health = self._seats.get(seat.id) or self._remember(seat)
        if (health.troubled or health.account.refused_until) and self.standing(seat, now) != "ready":
            return None
        health.running += 1
        health.seen = now
        health.requests.add(now)
        health.budget.requests.add(now)
        return health

    def enter(self, health: Health, now: float, *, again: bool = False) -> int:
        """A request goes to this seat; `again`: its provider has failed at this exchange before, so this is a retry. Other than 0
        if it is the trial of a broken one; hand that on to `leave`."""
        health.running += 1
        health.seen = now
        health.requests.add(now)
        if again:
            health.budget.retries.add(now)
        else:
            health.budget.requests.add(now)
        return health.circuit.enter(now) if health.troubled else 0

    def leave(self, health: Health, *, trial: int = 0) -> None:
        """A request to this seat is over, however it ended. trial: what `enter` said."""
        health.running -= 1
        if trial:
            health.circuit.leave(trial)

    def spoke(self, health: Health, now: float, first_token_s: float) -> None:
        """The first output came, this many seconds after the request went out. It is well, whatever follows."""
        known = health.first_token_s
        health.first_token_s = first_token_s if known is None else known + _WEIGHT * (first_token_s - known)
        if health.troubled:
            health.circuit.spoke(now)

    def answered(self, health: Health, now: float, *, tokens: int = 0, token_s: float | None = None) -> None:
        """The answer is complete. tokens: that it cost, of all kinds; token_s: seconds for each token of output."""
        if token_s is not None:
            known = health.token_s
            health.token_s = token_s if known is None else known + _WEIGHT * (token_s - known)
        if tokens:
            health.tokens.add(now, tokens)
        health.limited = 0
        health.circuit.succeeded(now)
        if health.account.refused_until:
            health.account.refused_until = 0.0  # What was refused with another model was about the model.

    def failed(self, health: Health, now: float, error: GatewayError, *, waited_s: float = 0.0) -> None:
        """A try failed. Only what is the provider's own fault counts against its health; `waited_s`: how long it was tried."""
        if error.source != "upstream":
            return
        rule = error.rule
        reason = f"{error.kind.value}: {error.message}"[:_WHY]
        if health.troubled and not (rule.trips or rule.retry or rule.bench):
            health.circuit.spoke(now)  # A provider that judges requests is well.
        if rule.bench == "key":
            _refuse(health.account, now, reason, error.kind, self.settings.refused_s)
            _bar(health, now, reason, error, self.settings.refused_s)
        elif rule.bench == "seat":
            _bar(health, now, reason, error, self.settings.refused_s)
        elif rule.retry and (error.retry_after_s is not None or not rule.trips):
            _rest(health, now, reason, error)
        if rule.trips:
            health.troubled = True
            health.circuit.failed(now, reason, self.settings)
            if health.first_token_s is not None and waited_s > health.first_token_s:
                health.first_token_s += _WEIGHT * (waited_s - health.first_token_s)

    def limited(self, health: Health, limits: Limits, now: float) -> None:
        """What its provider told of its limits with an answer of any kind."""
        if limits.each:
            health.limits = limits
            if limits.free_at(now) is not None:
                health.troubled = True

    def budget(self, provider: str) -> Budget:
        """The retries that this provider may still get."""
        return self._budgets.get(provider) or self._budgets.setdefault(provider, Budget())

    def reset(self, name: str, now: float) -> int:
        """Forget all trouble of a seat (`provider/model@key`), a deployment (`provider/model`), a key (`provider@key`), a provider, or
        `*`, everything. Returns of how many seats and keys."""
        seats = [health for health in self._seats.values() if name in names(health)]
        accounts = [account for account in self._accounts.values() if name in ("*", account.provider, account.id)]
        accounts += [health.account for health in seats if health.account not in accounts]
        for health in seats:
            _forgive(health, now)
        for account in accounts:
            account.refused_until = account.since = 0.0
            account.why = ""
        return len(seats) + len(accounts)

    # -- within ----------------------------------------------------------------------------------------------------------------

    def _remember(self, seat: Seat) -> Health:
        if len(self._seats) >= _KEPT:
            self._make_room()
        account = self._accounts.get(seat.account)
        if account is None:
            account = self._accounts[seat.account] = Account(seat.account, seat.provider)
        health = Health(seat.id, seat.provider, seat.model, seat.key, account, self.budget(seat.provider))
        self._seats[seat.id] = health
        return health

    def _make_room(self) -> None:
        """Forget the tenth that was silent longest."""
        idle = sorted((health for health in self._seats.values() if not health.running), key=lambda health: health.seen)
        for health in idle[: max(1, _KEPT // 10)]:
            del self._seats[health.id]


def _refuse(account: Account, now: float, reason: str, kind: Kind, pause_s: float) -> None:
    account.refused_until, account.since = now + pause_s, now
    account.why, account.kind = reason, kind


def _bar(health: Health, now: float, reason: str, error: GatewayError, pause_s: float) -> None:
    pause_s = min(max(pause_s, error.retry_after_s or 0.0), _ASKED_MAX_S)
    health.troubled = True
    health.refused_until, health.refused_since = now + pause_s, now
    health.refused_why, health.refused_kind = reason, error.kind


def _rest(health: Health, now: float, reason: str, error: GatewayError) -> None:
    asked_s = error.retry_after_s
    free_at = health.limits.free_at(now)
    if asked_s is None and free_at is not None:
        asked_s = free_at - now
    pause_s = min(_REST_MAX_S, _REST_S * 2**health.limited) if asked_s is None else min(asked_s, _ASKED_MAX_S)
    if health.rest_until <= now:  # Requests that were under way together are limited together: that is once.
        health.limited = min(health.limited + 1, 10)
    health.troubled = True
    if now + pause_s > health.rest_until:
        health.rest_until, health.rest_since = now + pause_s, now
        health.rest_why, health.rest_kind = reason, error.kind


def _forgive(health: Health, now: float) -> None:
    health.rest_until = health.refused_until = 0.0
    health.rest_why = health.refused_why = ""
    health.limited = 0
    health.limits = NONE
    health.circuit.clear(now)
    health.troubled = False
