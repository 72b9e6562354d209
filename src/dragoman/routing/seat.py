"""The unit that is tried: a target with one provider key. It has health, and a session sits on it."""

from __future__ import annotations

import msgspec
from msgspec.structs import force_setattr

from dragoman.profiles.families import bare
from dragoman.routing.target import Target


class Seat(msgspec.Struct, frozen=True):
    """A target with one key of its provider. Made when the config is read; everything worked out from names is kept.

    key: the name of the provider key, never the key itself; empty where the provider needs none. weight: the key's own share
    among the provider's keys (the target has its own). place: where this key is used, if elsewhere than the provider's other keys
    (its base URL or region). window: tokens that the model is known to hold, None: unknown.

    id: `provider/model@key`, by which health is kept. account: `provider@key`, by which refusals of the key are kept.
    deployment: `provider/model`. kin: the model's bare name, alike at all providers that host it.
    """

    target: Target
    key: str = ""
    weight: int = 1
    place: str = ""
    window: int | None = None
    id: str = ""
    account: str = ""
    deployment: str = ""
    kin: str = ""

    def __post_init__(self) -> None:
        target = self.target
        key = f"@{self.key}" if self.key else ""
        force_setattr(self, "deployment", target.name)
        force_setattr(self, "id", target.name + key)
        force_setattr(self, "account", target.provider + key)
        force_setattr(self, "kin", bare(target.model))

    @property
    def provider(self) -> str:
        """The provider's name."""
        return self.target.provider

    @property
    def model(self) -> str:
        """The model in the provider's spelling."""
        return self.target.model
