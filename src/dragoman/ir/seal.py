"""Sealing: a proof of one provider as a tagged, versioned, stateless envelope that a client of another dialect can carry.

`drg2~` + URL-safe base64 of (12 bytes of SHA-256 over the rest, then the deflated JSON). No secret is involved: any replica opens
what any other sealed, after any restart. The digest finds damage, it is no signature: what is inside came from the client's own
conversation and goes back to the provider that made it, which checks it itself.
"""

from __future__ import annotations

import binascii
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import TypeVar

import msgspec

T = TypeVar("T")

MARK = "drg2~"
"""How every envelope begins. Its last letter stands in hardly any text, and in no base64: so a body without a seal is known at once."""
_DIGEST_BYTES = 12
_MOST_BYTES = 32 * 1024 * 1024


class SealError(ValueError):
    """An envelope that was altered, cut, or made by a later version."""


def is_sealed(text: str) -> bool:
    """Whether this text is an envelope of ours (of any version)."""
    return text.startswith("drg") and text[3:4].isdigit() and not {".", "~"}.isdisjoint(text[4:8])


def seal(value: msgspec.Struct) -> str:
    """Put a Struct into an envelope. The same value always gives the same text, so that prompts stay byte-stable."""
    packed = zlib.compress(msgspec.json.encode(value), 6)
    return MARK + urlsafe_b64encode(sha256(packed).digest()[:_DIGEST_BYTES] + packed).decode()


def unseal(text: str, type: type[T]) -> T:
    """Open an envelope. Raises SealError for anything that `seal` of this version did not make."""
    if not text.startswith(MARK):
        raise SealError("sealed by another version of the gateway")
    try:
        raw = urlsafe_b64decode(text[len(MARK) :].encode("ascii"))
        digest, packed = raw[:_DIGEST_BYTES], raw[_DIGEST_BYTES:]
        if sha256(packed).digest()[:_DIGEST_BYTES] != digest:
            raise SealError("altered since it was sealed")
        inflater = zlib.decompressobj()
        data = inflater.decompress(packed, _MOST_BYTES)
        if not inflater.eof:
            raise SealError("cut or too large")
        return msgspec.json.decode(data, type=type)
    except (binascii.Error, UnicodeError, zlib.error, msgspec.DecodeError, RecursionError) as error:
        raise SealError("not readable") from error
