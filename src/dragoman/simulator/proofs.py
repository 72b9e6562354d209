"""Proofs of thoughts: signatures and sealed blobs that the simulated provider makes and knows again, without keeping any state.

A proof is opaque to clients. In it stand the model, a digest of the words it vouches for, and what came before them; a MAC over all
of it under the key of the account, so that a forged, changed or foreign one is told from a true one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Literal

import msgspec

Kind = Literal["signature", "redacted", "thought", "reasoning", "compaction", "opaque"]
_MAC_BYTES = 24
_FERNET_LIKE = "gAAAAA"


class Claim(msgspec.Struct, frozen=True, array_like=True):
    """What a true proof says."""

    kind: Kind
    model: str
    digest: str
    """Of the words that it vouches for."""
    prefix: str = ""
    """Of everything before the answer, where the provider binds to it."""
    content: str = ""
    """Words that only the provider is to read again."""


class Proofs:
    """Makes and knows the proofs of one account. `known`: proofs that a script has made up, true as they stand."""

    def __init__(self, account: str = "org-demo", known: frozenset[str] = frozenset()) -> None:
        self._known = known
        self._key = hashlib.sha256(b"dragoman simulator " + account.encode()).digest()

    def is_scripted(self, proof: str) -> bool:
        """Whether a script has made this proof up."""
        return proof in self._known

    def make(self, claim: Claim) -> str:
        """A proof for a claim, in standard base64."""
        return base64.b64encode(self._sealed(claim)).decode()

    def make_urlsafe(self, claim: Claim) -> str:
        """A proof in the look of OpenAI's sealed items."""
        return _FERNET_LIKE + base64.urlsafe_b64encode(self._sealed(claim)).decode()

    def read(self, proof: str) -> Claim | None:
        """What a proof of either look says; None where it is not one of this account's, or was changed."""
        try:
            if proof.startswith(_FERNET_LIKE):
                sealed = base64.b64decode(proof[len(_FERNET_LIKE) :], altchars=b"-_", validate=True)
            else:
                sealed = base64.b64decode(proof, validate=True)
        except (binascii.Error, ValueError):
            return None
        mac, body = sealed[:_MAC_BYTES], sealed[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(body)):
            return None
        return msgspec.json.decode(body, type=Claim)

    def _sealed(self, claim: Claim) -> bytes:
        body = msgspec.json.encode(claim)
        return self._mac(body) + body

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")[:_MAC_BYTES]


def digest(text: str) -> str:
    """The short form in which a claim names words."""
    return hashlib.sha256(text.encode()).hexdigest()[:24]
