"""What a client is told when an exchange failed: of all errors the most useful one, and where else it was tried."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from dragoman.config.problems import first_of
from dragoman.ir.errors import GatewayError, Kind
from dragoman.routing.board import Board
from dragoman.routing.health import cause
from dragoman.routing.seat import Seat

_SHOWN = 6
_PROVIDERS = 2
_SOON_S = 1.0


class Failure(msgspec.Struct, frozen=True):
    """A try that failed. place: of its seat in the chain."""

    place: int
    seat: Seat
    error: GatewayError


def verdict(failures: Sequence[Failure], untried: int) -> GatewayError:
    """The most useful error, by the column `tell` of the table; among equals that with the shortest wait, then the earliest.

    untried: seats that could have been tried if there had been attempts or time left. What only the gateway's owner can mend is
    then no last word: by the time the client asks again, the refused keys are left alone.
    """
    error = min(failures, key=lambda failure: (failure.error.rule.tell, _wait_s(failure.error))).error
    where = _where(failures)
    if untried and error.rule.bench:
        return GatewayError(
            Kind.OVERLOADED,
            f"{error.message}{where}; {untried} more may answer the next request, or raise `routing.retry.attempts`",
            retry_after_s=_SOON_S,
            provider=error.provider,
        )
    if where and not error.message.endswith(where):
        error.message += where
    if where and error.rule.bench:
        error.body = None  # What one key was told is not the whole story.
    return error


def none_left(chain: Sequence[Seat], board: Board, now: float) -> GatewayError:
    """Nothing may be tried at all: why, until when, and what to do."""
    if not chain:
        return GatewayError(
            Kind.CONFIG, "the model has no target that may be used for it; check `models` and the keys' `models` in the config"
        )
    causes = [(seat, cause(board.health(seat), board.standing(seat, now), now)) for seat in chain]
    seat, worst = min(causes, key=lambda found: (GatewayError(found[1].kind, "").rule.tell, found[1].until or 0.0))
    soonest = min(found.until - now for _, found in causes if found.until is not None)
    said = first_of(list(dict.fromkeys(f"`{one.id}` ({_briefly(board.why(one, now))})" for one, _ in causes)), _SHOWN)
    reason = worst.why.partition(": ")[2].rstrip(".")
    temporary = not GatewayError(worst.kind, "").rule.permanent
    remedy = f"ask again in {max(1, math.ceil(soonest))} s" if temporary else _check_keys([one for one, _ in causes], reason)
    return GatewayError(
        worst.kind,
        "; ".join(filter(None, (f"nothing that could answer may be asked now: {said}", reason, remedy))),
        retry_after_s=max(0.0, soonest) if temporary else None,
        provider=seat.provider,
    )


def _briefly(why: str) -> str:
    """Of `refused for 50 s: quota: provider ...` what stands before the sentence."""
    stands, _, reason = why.partition(": ")
    kind = reason.partition(": ")[0]
    return f"{stands}: {kind}" if kind else stands


def _check_keys(seats: Sequence[Seat], told: str) -> str:
    """What the gateway's owner can do; `told` may say it already."""
    providers = list(dict.fromkeys(one.provider for one in seats))
    keys = ", ".join(place for place in (f"`providers.{name}.keys`" for name in providers) if place not in told)
    reset = " or ".join(f"`dragoman health --reset {name}`" for name in providers[:_PROVIDERS])
    return f"{f'check {keys}; ' if keys else ''}{reset} tries again at once"


def _where(failures: Sequence[Failure]) -> str:
    """All places that were tried, if these were several."""
    if len({failure.seat.id for failure in failures}) < 2:
        return ""
    return f" (tried {first_of([f'`{failure.seat.id}`: {failure.error.kind.value}' for failure in failures], _SHOWN)})"


def _wait_s(error: GatewayError) -> float:
    if error.kind is not Kind.RATE_LIMITED:
        return 0.0
    return math.inf if error.retry_after_s is None else error.retry_after_s
