"""What travels in `encrypted_content`: the API's own proof as it came, or an envelope of ours with what another maker needs again.

Clients send this field back byte for byte; unknown fields of items they lose. So the proof of a tool call, which has no such field,
travels in a reasoning item of its own right behind the call (`carrier`), and is put on the call again when it comes back (`settle`).
So do calls and results of tools that another API's provider ran itself, whole, since it wants to see them again.
"""

from __future__ import annotations

import msgspec

from dragoman.dialects.remainder import JsonObject, text_or_none
from dragoman.dialects.responses.remainder import NAME
from dragoman.ir.request import GATEWAY, Call, Extra, Item, Proof, Reasoning, Result
from dragoman.ir.seal import SealError, is_sealed, seal, unseal

SEALED = "encrypted_content"
_CALL = "$call"
"""Mark on a carrier: the `call_id` of the call that its proof belongs to."""
_ITEM = "$item"
"""Mark on a carrier: the item that it stands for, and the id of the one that shows it."""

BROKEN = Proof(GATEWAY, "", "broken")
_WORDS = Proof(GATEWAY, "", "words")


class Thought(msgspec.Struct, frozen=True, omit_defaults=True):
    """What stands in `encrypted_content`. `ours`: it came in an envelope.

    Some clients send only `summary` and `encrypted_content` back, so the words of a thought go into the envelope as well, and what
    only the maker's dialect knows of it (`extra`). `call_id`: the proof belongs to that call. `item`: it stands for this item, and for
    the one with the id `shown`, in which clients see it.
    """

    content: tuple[str, ...] = ()
    proof: Proof | None = None
    ours: bool = False
    call_id: str | None = None
    extra: Extra | None = None
    item: Call | Result | None = None
    shown: str | None = None


def open_seal(came: JsonObject) -> Thought:
    """Read `encrypted_content` of a request. An envelope that cannot be opened any more holds the proof `BROKEN`."""
    sealed = text_or_none(came, SEALED)
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
    given = text_or_none(came, SEALED)
    return Proof(NAME, given, SEALED) if given is not None else None


def close_seal(content: tuple[str, ...], proof: Proof | None, extra: Extra | None = None) -> str:
    """The text of `encrypted_content`: this API's own proof as it came where nobody knows whose it is, else in an envelope."""
    if proof is not None and proof.maker == NAME and proof.origin is None:
        return proof.data
    return seal(Thought(content, None if proof == _WORDS else proof, ours=True, extra=_of_others(extra)))


def carrier(item: Item, shown: str | None = None) -> JsonObject | None:
    """The reasoning item (without an id) that carries what the written form of `item` cannot; None where it says all. `shown`: the
    id of that form."""
    if not isinstance(item, Call | Result):
        return None
    if item.executor == "provider":
        whole = None if NAME in (item.extra or {}) else Thought(ours=True, item=item, shown=shown)
        return _reasoning(whole) if whole is not None else None
    if not isinstance(item, Call) or item.proof is None:
        return None
    return _reasoning(Thought(proof=item.proof, ours=True, call_id=item.call_id, extra=_of_others(item.extra)))


def _reasoning(thought: Thought) -> JsonObject:
    return {"type": "reasoning", "summary": [], SEALED: seal(thought)}


def marks(thought: Thought) -> JsonObject:
    """The marks of a thought that was opened."""
    if thought.item is not None:
        return {_ITEM: (thought.item, thought.shown)}
    return {_CALL: thought.call_id} if thought.call_id is not None else {}


def settle(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """The items with each carrier's proof on the call that it belongs to, what carriers stand for in their place, and the carriers
    gone."""
    signed: dict[str, Reasoning] = {}
    whole: dict[int, Item] = {}
    shown: set[str | None] = set()
    for item in items:
        if not isinstance(item, Reasoning) or not item.extra or not (marked := item.extra.get(NAME)):
            continue
        if (call_id := marked.get(_CALL)) is not None:
            signed[call_id] = item
        elif (carried := marked.get(_ITEM)) is not None:
            whole[id(item)] = carried[0]
            shown.add(carried[1])
    if not signed and not whole:
        return items
    gone = {id(item) for item in signed.values()} | {id(item) for item in items if _is_shown(item, shown)}
    return tuple(whole.get(id(item)) or _signed(item, signed) for item in items if id(item) not in gone)


def _is_shown(item: Item, shown: set[str | None]) -> bool:
    return isinstance(item, Call) and item.executor == "provider" and item.id is not None and item.id in shown


def _signed(item: Item, carried: dict[str, Reasoning]) -> Item:
    found = carried.get(item.call_id) if isinstance(item, Call) and item.proof is None else None
    if found is None or not isinstance(item, Call):
        return item
    extra = {**(item.extra or {}), **(_of_others(found.extra) or {})}
    return msgspec.structs.replace(item, proof=found.proof, extra=extra or None)


def _of_others(extra: Extra | None) -> Extra | None:
    """What other dialects than this one know."""
    return {name: fields for name, fields in (extra or {}).items() if name != NAME} or None
