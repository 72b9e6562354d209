"""Blocks that are items of their own: thoughts, calls and results of tools, compactions.

https://platform.claude.com/docs/en/build-with-claude/extended-thinking, https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from dragoman.dialects.messages.blocks import VERBATIM, Pen, read_content, write_parts
from dragoman.dialects.messages.ids import legal_id, own_id
from dragoman.dialects.messages.remainder import NAME, keep, mark
from dragoman.dialects.remainder import JsonObject, arguments_object, text_at, text_or_none
from dragoman.ir.request import Call, Compaction, Proof, Reasoning, Result, Text
from dragoman.ir.seal import SealError, is_sealed, seal, unseal

SIGNATURE, REDACTED, COMPACTED = "signature", "redacted", "compaction"
"""Kinds of this API's proofs: a thought's signature, an encrypted thought, a whole compaction block as JSON."""
WORDS = "$words"
"""Mark on a thought: its words as they were signed."""
_BLOCK = "$block"
"""Mark on a provider-run call or result: its whole block."""

_Item = TypeVar("_Item", Reasoning, Call, Result)
Spoken = Reasoning | Call | Result | Compaction


class Sealed(msgspec.Struct, frozen=True):
    """A thought of another API, as it travels in the `signature` of a thinking block to a client of this one."""

    summary: tuple[str, ...] = ()
    content: tuple[str, ...] = ()
    proof: Proof | None = None


def read_item(came: JsonObject, path: str) -> Spoken | None:
    """The item of a block, None if it is no such block."""
    kind = came.get("type")
    if not isinstance(kind, str):
        return None
    read = _READ.get(kind)
    if read is not None:
        return read(came, path)
    if kind.endswith("_tool_result") and isinstance(came.get("tool_use_id"), str):
        return Result(came["tool_use_id"], (), executor="provider", extra={NAME: {_BLOCK: came}})
    return None


# ---- thoughts ------------------------------------------------------------------------------------------------------------


def _read_thinking(came: JsonObject, path: str) -> Reasoning:
    thought, signature = text_at(came, "thinking", path), text_or_none(came, "signature")
    if signature is not None and is_sealed(signature):
        return _unsealed(thought, signature)
    item = Reasoning((thought,) if thought else (), proof=Proof(NAME, signature, SIGNATURE) if signature else None)
    # As many fields as are written again, each as it came: nothing is left over.
    return item if signature and len(came) == 3 else _kept(item, came, write_thought)


def _unsealed(thought: str, signature: str) -> Reasoning:
    try:
        sealed = unseal(signature, Sealed)
    except SealError:
        return Reasoning((thought,) if thought else ())
    return Reasoning(sealed.summary, sealed.content, sealed.proof)


def _read_redacted(came: JsonObject, path: str) -> Reasoning:
    return _kept(Reasoning(proof=Proof(NAME, text_at(came, "data", path), REDACTED)), came, write_thought)


def write_thought(item: Reasoning) -> JsonObject:
    """A thought with this API's proof; with an empty signature where there is none."""
    proof = item.proof
    if proof is None or proof.maker != NAME:
        return {"type": "thinking", "thinking": thought_text(item), "signature": ""}
    if proof.kind == REDACTED:
        return {"type": "redacted_thinking", "data": proof.data}
    return {"type": "thinking", "thinking": thought_text(item), "signature": proof.data}


def thought_text(item: Reasoning) -> str:
    """The words of a thought as one text."""
    signed = mark(item.extra, WORDS)
    return signed if isinstance(signed, str) else "\n\n".join((*item.summary, *item.content))


def sealed_signature(item: Reasoning) -> str:
    """What stands as the signature of a thought in an answer: this API's own, another's in an envelope, nothing without a proof."""
    if item.proof is None:
        return ""
    return item.proof.data if item.proof.maker == NAME else seal(Sealed(item.summary, item.content, item.proof))


# ---- calls and results ---------------------------------------------------------------------------------------------------


def _read_call(came: JsonObject, path: str) -> Call:
    arguments = msgspec.json.encode(came.get("input", {})).decode()
    told = text_at(came, "id", path)
    call = Call(own_id(told), text_at(came, "name", path), arguments)
    understood = len(came) == 4 and isinstance(came.get("input"), dict) and call.call_id == told and legal_id(told) == told
    return call if understood else _kept(call, came, write_call)


def _read_server_call(came: JsonObject, path: str) -> Call:
    arguments = msgspec.json.encode(came.get("input", {})).decode()
    name, call_id = text_at(came, "name", path), text_at(came, "id", path)
    return Call(call_id, name, arguments, executor="provider", extra={NAME: {_BLOCK: came}})


def write_call(item: Call) -> JsonObject | None:
    """A call under its legal id; of the provider's own calls only this API's."""
    if item.executor == "provider":
        return mark(item.extra, _BLOCK)
    return {"type": "tool_use", "id": legal_id(item.call_id), "name": item.name, "input": arguments_object(item.arguments)}


def _read_result(came: JsonObject, path: str) -> Result:
    content, told = came.get("content"), text_at(came, "tool_use_id", path)
    call_id = own_id(told)
    if isinstance(content, str) and len(came) == 3 and legal_id(call_id) == told:
        return Result(call_id, (Text(content),))
    result = Result(
        call_id,
        read_content(content, f"{path}.content"),
        plain=not isinstance(content, list),
        is_error=came.get("is_error") is True,
    )
    return _kept(result, came, _write_verbatim_result)


def _write_verbatim_result(item: Result) -> JsonObject | None:
    return write_result(item, VERBATIM)


def write_result(item: Result, pen: Pen) -> JsonObject | None:
    """A result under the legal id of its call; of the provider's own results only this API's."""
    if item.executor == "provider":
        return mark(item.extra, _BLOCK)
    written: JsonObject = {"type": "tool_result", "tool_use_id": legal_id(item.call_id), "content": _result_content(item, pen)}
    if item.is_error:
        written["is_error"] = True
    return written


def _result_content(item: Result, pen: Pen) -> Any:
    only = item.parts[0] if len(item.parts) == 1 else None
    if item.plain and isinstance(only, Text) and not only.extra:
        return only.text
    blocks = write_parts(item.parts, pen)
    return blocks if blocks or not item.plain else ""


# ---- compactions ---------------------------------------------------------------------------------------------------------


def _read_compaction(came: JsonObject, path: str) -> Compaction:
    return Compaction(Proof(NAME, msgspec.json.encode(came).decode(), COMPACTED))


def write_compaction(item: Compaction) -> JsonObject | None:
    """A compaction of this API as it came; any other is not readable here."""
    if item.proof.maker != NAME:
        return None
    return msgspec.json.decode(item.proof.data)


_READ: dict[Any, Callable[[JsonObject, str], Spoken]] = {
    "thinking": _read_thinking,
    "redacted_thinking": _read_redacted,
    "tool_use": _read_call,
    "server_tool_use": _read_server_call,
    "mcp_tool_use": _read_server_call,
    "tool_result": _read_result,
    "compaction": _read_compaction,
}


def _kept(item: _Item, came: JsonObject, write: Callable[[_Item], JsonObject | None]) -> _Item:
    extra = keep(came, write(item) or {})
    return msgspec.structs.replace(item, extra=extra) if extra else item
