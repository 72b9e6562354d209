"""Seals open to what was sealed and refuse what was altered."""

from __future__ import annotations

import contextlib
import zlib
from base64 import urlsafe_b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.ir.request import Proof
from dragoman.ir.seal import SealError, is_sealed, seal, unseal

proofs = st.builds(Proof, maker=st.text(), data=st.text(max_size=2000), kind=st.text(max_size=20), origin=st.none() | st.text())


@given(proofs)
def test_a_seal_opens_to_what_was_sealed(proof: Proof) -> None:
    assert unseal(seal(proof), Proof) == proof


@given(proofs, st.data())
def test_an_altered_seal_is_refused(proof: Proof, data: st.DataObject) -> None:
    text = seal(proof)
    at = data.draw(st.integers(0, len(text) - 1))
    altered = text[:at] + data.draw(st.characters()) + text[at + 1 :]

    with contextlib.suppress(SealError):
        # Padding bits of base64 may differ without a difference in meaning.
        assert unseal(altered, Proof) == proof


@given(proofs, st.data())
def test_a_cut_seal_is_refused(proof: Proof, data: st.DataObject) -> None:
    text = seal(proof)
    cut = text[: data.draw(st.integers(0, len(text.rstrip("=")) - 2))]

    with pytest.raises(SealError):
        unseal(cut, Proof)


@given(st.text())
def test_any_text_that_is_no_seal_is_refused_with_a_seal_error(text: str) -> None:
    with pytest.raises(SealError):
        unseal("drg2~" + text, Proof)


@pytest.mark.parametrize("value", [b"[" * 100_000 + b"]" * 100_000, b'{"maker": "\xff", "data": ""}', b"7", b""])
def test_a_seal_that_others_made_of_something_else_is_refused(value: bytes) -> None:
    packed = zlib.compress(value)
    text = "drg2~" + urlsafe_b64encode(sha256(packed).digest()[:12] + packed).decode()

    with pytest.raises(SealError, match="not readable"):
        unseal(text, Proof)


def test_the_same_proof_gives_the_same_text() -> None:
    proof = Proof("messages", "c2lnbmF0dXJl" * 100, "signature", "claude/claude-opus-5")

    assert seal(proof) == seal(proof)
    assert is_sealed(seal(proof))
    assert not is_sealed("gAAAAABo")


@pytest.mark.parametrize("text", ["drg1.abc", "drg3~abc", "drg10~abc"])
def test_a_seal_of_another_version_is_named_as_such(text: str) -> None:
    assert is_sealed(text)
    with pytest.raises(SealError, match="another version"):
        unseal(text, Proof)
