"""The choice of how an exchange is carried: bytes relayed, or typed and translated."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from dragoman.core.exchange import Exchange
from dragoman.core.relay import relay
from dragoman.core.runtime import Candidate, Deployment, Runtime
from dragoman.core.translate import translate
from dragoman.dialects.contract import Dialect
from dragoman.routing.resolve import Target
from dragoman.wire.splice import Outline


class Lane(msgspec.Struct, frozen=True):
    """One way to carry an exchange."""

    name: str
    carry: Callable[[Exchange], Awaitable[None]]


RELAY = Lane("relay", relay)
TRANSLATE = Lane("translate", translate)


def choose_lane(runtime: Runtime, target: Target, dialect: Dialect, outline: Outline) -> tuple[Lane, Candidate]:
    """The lane, and the target as it is reached on it.

    Relay only where the provider speaks the client's dialect, the target takes every feature that the body mentions, and nothing
    in it is ours. What must be translated anyway goes in the dialect in which the provider can do most.
    """
    candidate = runtime.deploy(target, dialect.name)
    if may_relay(candidate.deployment, dialect, outline):
        return RELAY, candidate
    return TRANSLATE, runtime.deploy(target, None)


def may_relay(deployment: Deployment, dialect: Dialect, outline: Outline) -> bool:
    """Whether this deployment takes the client's own bytes."""
    if deployment.dialect is not dialect or not deployment.relays:
        return False
    return not deployment.foreign.is_in(outline)
