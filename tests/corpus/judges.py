"""Those who made the APIs, as judges: the official SDKs' own types and the published API descriptions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def whole(name: str, body: bytes) -> Iterator[str]:
    return iter(())


def stream(name: str, data: bytes) -> Iterator[str]:
    return iter(())


def request(name: str, body: Any) -> Iterator[str]:
    return iter(())
