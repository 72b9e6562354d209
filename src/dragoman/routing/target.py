"""What resolving comes to: the deployments that may answer a name, and why."""

from __future__ import annotations

from typing import Any

import msgspec


class Target(msgspec.Struct, frozen=True):
    """A deployment that may answer. `params` are top-level fields that its requests get (null: lose). `id` is what balancing
    knows it by; two targets of one virtual model differ in it."""

    provider: str
    model: str
    weight: int = 1
    params: dict[str, Any] = {}
    id: str = ""
    fall_back_on: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """provider/model."""
        return f"{self.provider}/{self.model}"


class VirtualModel(msgspec.Struct, frozen=True):
    """What a name stands for: its targets, and in `reason` how it was found (for the record)."""

    name: str
    targets: tuple[Target, ...]
    reason: str
