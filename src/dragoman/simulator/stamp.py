"""The provider's stamp on one answer: its time, its proofs, and what it did to the request before it answered."""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.simulator.proofs import Claim, Proofs, digest


class Stamp(msgspec.Struct, frozen=True):
    """What one answer is stamped with."""

    proofs: Proofs
    model: str
    now_s: int
    """The time, in seconds since 1970."""
    prefix: str = ""
    """Digest of everything that the request holds, for models whose thoughts are bound to it."""
    dropped: tuple[dict[str, Any], ...] = ()
    """Thoughts of the request that were left out, as the provider lists them."""

    @property
    def transformations(self) -> dict[str, Any]:
        """The field that lists what was left out, absent where nothing was."""
        return {"input_transformations": list(self.dropped)} if self.dropped else {}

    def signature(self, text: str) -> str:
        """The signature of a thinking block with these words."""
        return self.proofs.make(Claim("signature", self.model, digest(text), self.prefix))

    def redacted(self, text: str) -> str:
        """The data of a redacted thinking block."""
        return self.proofs.make(Claim("redacted", self.model, digest(text), self.prefix, text))

    def thought(self, text: str) -> str:
        """The thought signature of a part with these words, or of a call that they describe."""
        return self.proofs.make(Claim("thought", self.model, digest(text)))

    def reasoning(self, text: str) -> str:
        """The sealed form of a reasoning item."""
        return self.proofs.make_urlsafe(Claim("reasoning", self.model, digest(text), content=text))

    def compaction(self, text: str) -> str:
        """The sealed form of a compaction item."""
        return self.proofs.make_urlsafe(Claim("compaction", self.model, digest(text), content=text))

    def opaque(self, text: str) -> str:
        """Any other blob that only the provider reads."""
        return self.proofs.make(Claim("opaque", self.model, digest(text)))
