"""What the server's own pages tell of a runtime, as its composition gives it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from dragoman.agents.contract import Offer, Offers


class Listed(msgspec.Struct, frozen=True):
    """A model name as `GET …/models` lists it."""

    name: str
    owned_by: str


def _unknown_run(run: str) -> Mapping[str, Any] | None:
    return None


def _offer_nothing(names: Sequence[str]) -> Sequence[Offer]:
    return ()


def _as_they_are(sums: Mapping[str, Any]) -> Mapping[str, Any]:
    return sums


def _nowhere(model: str) -> Mapping[str, Any]:
    return {"model": model, "targets": []}


def _no_facts(provider: str | None, search: str | None) -> Mapping[str, Any]:
    return {"virtual": [], "models": [], "lists": {}}


def _let_in(headers: Mapping[str, str]) -> object:
    return None


class About(msgspec.Struct, frozen=True):
    """What a runtime says of itself. `identify` raises GatewayError(authentication) for whom it does not know; `closed`: there
    are client keys. `offers`: what is known of the models. `run`: the sums of a run as JSON can hold them, or None if it is not
    known.
    `priced`: those sums with what they cost (slow: not for the event loop). `resolve`: where a model name leads; raises
    GatewayError(model_not_found). `facts`: what is known of the models of a provider (None: all) whose names hold a text (slow
    likewise). `began`: Unix seconds."""

    version: str = ""
    providers: tuple[str, ...] = ()
    models: tuple[Listed, ...] = ()
    closed: bool = False
    identify: Callable[[Mapping[str, str]], object] = _let_in
    offers: Offers = _offer_nothing
    run: Callable[[str], Mapping[str, Any] | None] = _unknown_run
    priced: Callable[[Mapping[str, Any]], Mapping[str, Any]] = _as_they_are
    resolve: Callable[[str], Mapping[str, Any]] = _nowhere
    facts: Callable[[str | None, str | None], Mapping[str, Any]] = _no_facts
    began: float = 0.0
