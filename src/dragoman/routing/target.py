"""A target: a deployment that may answer, with everything that config changes about asking it."""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.config.schema import ProviderDeadlines
from dragoman.config.secrets import Secret

_NO_DEADLINES = ProviderDeadlines()


class Target(msgspec.Struct, frozen=True):
    """A deployment that may answer. `params` are top-level fields that its requests get (null: lose), `headers` the same for headers
    (names in lower case). `id` is what balancing and building know it by; targets that differ in anything differ in it.

    deadlines: its own, null: the provider's. first_token_s: how long its first output is waited for before the next is tried; None:
    as long as the deadlines say. fall_back_on: further HTTP statuses after which the next is tried.
    """

    provider: str
    model: str
    weight: int = 1
    params: dict[str, Any] = {}
    id: str = ""
    headers: dict[str, Secret | None] = {}
    deadlines: ProviderDeadlines = _NO_DEADLINES
    first_token_s: float | None = None
    fall_back_on: frozenset[int] = frozenset()

    @property
    def name(self) -> str:
        """provider/model."""
        return f"{self.provider}/{self.model}"


class Overrides(msgspec.Struct, frozen=True):
    """What entries of config change about the targets below them; `place` says which entries."""

    params: dict[str, Any] = {}
    headers: dict[str, Secret | None] = {}
    deadlines: ProviderDeadlines = _NO_DEADLINES
    first_token_s: float | None = None
    fall_back_on: frozenset[int] = frozenset()
    key: str | None = None
    place: str = ""

    def within(self, outer: Overrides) -> Overrides:
        """These, with those of the entry around them laid over."""
        said = {name: value for name, value in msgspec.structs.asdict(outer.deadlines).items() if value is not None}
        return Overrides(
            params={**self.params, **outer.params},
            headers={**self.headers, **outer.headers},
            deadlines=msgspec.structs.replace(self.deadlines, **said),
            first_token_s=self.first_token_s if outer.first_token_s is None else outer.first_token_s,
            fall_back_on=self.fall_back_on | outer.fall_back_on,
            key=self.key,
            place=" ".join(filter(None, (outer.place, self.place))),
        )

    def target(self, provider: str, model: str) -> Target:
        """The target that a deployment becomes with them."""
        name = f"{provider}/{model}"
        if self.params:
            name += "#" + msgspec.json.encode(self.params, order="deterministic").decode()
        if self.headers or self.deadlines != _NO_DEADLINES or self.first_token_s is not None or self.fall_back_on or self.key is not None:
            # Headers may be secret, so what they are is no name; the place in config is one.
            name += f"#{self.place}"
        return Target(
            provider,
            model,
            params=self.params,
            id=name,
            headers=self.headers,
            deadlines=self.deadlines,
            first_token_s=self.first_token_s,
            fall_back_on=self.fall_back_on,
        )


PLAIN = Overrides()
"""Nothing is changed."""
