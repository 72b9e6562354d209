"""What the server's own pages tell of a runtime, as its composition gives it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec


class Listed(msgspec.Struct, frozen=True):
    """A model name as `GET …/models` lists it."""

    name: str
    owned_by: str


def _unknown_run(run: str) -> Mapping[str, Any] | None:
    return None


def _let_in(headers: Mapping[str, str]) -> object:
    return None


class About(msgspec.Struct, frozen=True):
    """What a runtime says of itself. `identify` raises GatewayError(authentication) for whom it does not know; `closed`: there
    are client keys. `run`: the sums of a run as JSON can hold them, or None if it is not known. `began`: Unix seconds."""

    version: str = ""
    providers: tuple[str, ...] = ()
    models: tuple[Listed, ...] = ()
    closed: bool = False
    identify: Callable[[Mapping[str, str]], object] = _let_in
    run: Callable[[str], Mapping[str, Any] | None] = _unknown_run
    began: float = 0.0
