"""What travels in `encrypted_content`: the API's own proof as it came, or an envelope of ours with what another maker needs again.

Clients send this field back byte for byte; unknown fields of items they lose. So the proof of a tool call, which has no such field,
travels in a reasoning item of its own right behind the call (`carrier`), and is put on the call again when it comes back (`settle`).
"""

from __future__ import annotations

import msgspec

from dragoman.dialects.responses.parts import optional_text
from dragoman.dialects.responses.remainder import NAME, JsonObject, mark
from dragoman.ir.request import GATEWAY, Call, Extra, Item, Proof, Reasoning
from dragoman.ir.seal import SealError, is_sealed, seal, unseal

SEALED = "encrypted_content"
_CALL = "$call"
"""Mark on a carrier: the `call_id` of the call that its proof belongs to."""

BROKEN = Proof(GATEWAY, "", "broken")
_WORDS = Proof(GATEWAY, "", "words")


class Thought(msgspec.Struct, frozen=True, omit_defaults=True):
    """What stands in `encrypted_content`. `ours`: it came in an envelope.

    Some clients send only `summary` and `encrypted_content` back, so the words of a thought go into the envelope as well, and what
    only the maker's dialect knows of it (`extra`). `call_id`: the proof belongs to that call.
    """

    content: tuple[str, ...] = ()
    proof: Proof | None = None
    ours: bool = False
    call_id: str | None = None
    extra: Extra | None = None


def open_seal(came: JsonObject) -> Thought:
    """Read `encrypted_content` of a request. An envelope that cannot be opened any more holds the proof `BROKEN`."""
    sealed = optional_text(came, SEALED)
    if sealed is None:
        return Thought()
    if not is_sealed(sealed):
        return Thought(proof=Proof(NAME, sealed, SEALED))
    try:
        thought = unseal(sealed, Thought)
    except SealError:
        return Thought(proof=BROKEN, ours=True)
    return thought if thought.proof is not None else msgspec.structs.replace(thought, proof=_WORDS)


def own_proof(came: JsonObject) -> Proof | None:
    """`encrypted_content` of an answer: whatever it is, its provider wants it back like that."""
    given = optional_text(came, SEALED)
    return Proof(NAME, given, SEALED) if given is not None else None


def close_seal(content: tuple[str, ...], proof: Proof | None, extra: Extra | None = None) -> str:
    """The text of `encrypted_content`: this API's own proof as it came where nobody knows whose it is, else in an envelope."""
    if proof is not None and proof.maker == NAME and proof.origin is None:
        return proof.data
    return seal(Thought(content, None if proof == _WORDS else proof, ours=True, extra=_of_others(extra)))


def carrier(call: Call) -> JsonObject | None:
    """The reasoning item (without an id) that carries the proof of a call; None where it has none."""
    if call.proof is None:
        return None
    thought = Thought(proof=call.proof, ours=True, call_id=call.call_id, extra=_of_others(call.extra))
    return {"type": "reasoning", "summary": [], SEALED: seal(thought)}


def marks(thought: Thought) -> JsonObject:
    """The marks of a thought that was opened."""
    return {_CALL: thought.call_id} if thought.call_id is not None else {}


def settle(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """The items with each carrier's proof on the call that it belongs to, and the carriers gone."""
    carried: dict[str, Reasoning] = {}
    for item in items:
        call_id = mark(item.extra, _CALL) if isinstance(item, Reasoning) else None
        if isinstance(item, Reasoning) and call_id is not None:
            carried[call_id] = item
    if not carried:
        return items
    return tuple(_signed(item, carried) for item in items if not (isinstance(item, Reasoning) and mark(item.extra, _CALL) is not None))


def _signed(item: Item, carried: dict[str, Reasoning]) -> Item:
    found = carried.get(item.call_id) if isinstance(item, Call) and item.proof is None else None
    if found is None or not isinstance(item, Call):
        return item
    extra = {**(item.extra or {}), **(_of_others(found.extra) or {})}
    return msgspec.structs.replace(item, proof=found.proof, extra=extra or None)


def _of_others(extra: Extra | None) -> Extra | None:
    """What other dialects than this one know."""
    return {name: fields for name, fields in (extra or {}).items() if name != NAME} or None
