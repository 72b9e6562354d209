"""The choice of how an exchange is carried: bytes relayed, or typed and translated."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from dragoman.core.attempt import Attempt
from dragoman.core.exchange import Exchange
from dragoman.core.relay import relay
from dragoman.core.runtime import Candidate
from dragoman.core.translate import translate
from dragoman.routing.resolve import Target


class Lane(msgspec.Struct, frozen=True):
    """One way to carry an exchange. carry: raises GatewayError only while the client has been told nothing."""

    name: str
    carry: Callable[[Attempt], Awaitable[None]]


RELAY = Lane("relay", relay)
TRANSLATE = Lane("translate", translate)


def choose_lane(exchange: Exchange, target: Target) -> tuple[Lane, Candidate]:
    """The lane, and the target as it is reached on it.

    Relay only where the provider speaks the client's dialect, the target takes every feature that the body mentions, and nothing
    in it is ours. What must be translated anyway goes in the dialect in which the provider can do most.
    """
    deploy, dialect = exchange.runtime.deploy, exchange.dialect
    candidate = deploy(target, dialect.name)
    deployment = candidate.deployment
    if deployment.relays and deployment.dialect is dialect and not deployment.foreign.is_in(exchange.outline):
        return RELAY, candidate
    return TRANSLATE, deploy(target, None)
