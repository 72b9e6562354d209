"""The choice of how an exchange is carried: bytes relayed, or typed and translated."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from dragoman.core.attempt import Attempt
from dragoman.core.exchange import Exchange
from dragoman.core.relay import relay
from dragoman.core.runtime import Candidate
from dragoman.core.translate import translate
from dragoman.lower.fitting import Trust
from dragoman.routing.seat import Seat


class Lane(msgspec.Struct, frozen=True):
    """One way to carry an exchange. carry: raises GatewayError only while the client has been told nothing."""

    name: str
    carry: Callable[[Attempt], Awaitable[None]]


RELAY = Lane("relay", relay)
TRANSLATE = Lane("translate", translate)


_PROOFS = (
    b'"encrypted_content"',
    b'"signature"',
    b'"thoughtSignature"',
    b'"thought_signature"',
    b'"reasoning_details"',
    b'"redacted_thinking"',
)
"""What a body holds that may hold a proof of earlier thoughts. A false alarm costs speed, never meaning."""


def choose_lane(exchange: Exchange, seat: Seat, trust: Trust) -> tuple[Lane, Candidate]:
    """The lane, and the target as it is reached on it.

    Relay only where the provider speaks the client's dialect, the target takes every feature that the body mentions, nothing
    in it is ours, no proof of earlier thoughts must be held back, and no broken stream is to be gone on with. What must be translated
    anyway goes in the dialect in which the provider can do most.
    """
    deploy, dialect, target = exchange.runtime.deploy, exchange.dialect, seat.target
    candidate = deploy(target, dialect.name, seat.key)
    deployment = candidate.deployment
    may_relay = deployment.relays and deployment.dialect is dialect and not deployment.foreign.is_in(exchange.outline)
    if may_relay and (trust == "all" or not any(mark in exchange.inbound.body for mark in _PROOFS)):
        # What could be relayed stays in its dialect, where nothing of it is lost, if only its stream is to be looked into.
        return (TRANSLATE if exchange.rescues and exchange.peek.stream else RELAY), candidate
    return TRANSLATE, deploy(target, None, seat.key)
