"""What the passes of a lowering share: the target's capabilities, the legal names of its tools, what there is in the conversation, and
the warnings so far."""

from __future__ import annotations

from typing import Literal

from dragoman.lower.capabilities import Capabilities
from dragoman.lower.census import Census
from dragoman.lower.names import Names

Trust = Literal["all", "sealed", "none"]
"""Which proofs may be the target's. all: those that nobody sealed too, as their API made them; sealed: only those whose seal names it
(the session was with another target or key before); none: not even those (it refused what it was sent)."""


class Fitting:
    """One lowering under way. Passes read `caps`, `names`, `census`, `here` (the target, as `lower.thoughts.origin` spells it) and `trust`,
    and call `warn`. `summarises`: the answer shall be a summary that becomes a sealed compaction."""

    def __init__(self, caps: Capabilities, names: Names, census: Census, here: str | None = None, trust: Trust = "all") -> None:
        self.caps = caps
        self.names = names
        self.census = census
        self.here = here
        self.trust: Trust = trust
        self.summarises = False
        self._warnings: dict[tuple[str, str], None] = {}

    def warn(self, field: str, why: str) -> None:
        """Tell that something could not be carried. The same thing is told once."""
        self._warnings[field, why] = None

    @property
    def warnings(self) -> list[tuple[str, str]]:
        """(field, why) pairs in the order in which they came up."""
        return list(self._warnings)
