"""Calls and results: `functionCall` and `functionResponse` of the client's tools, and those that the provider ran itself
(`executableCode`, `codeExecutionResult`, `toolCall`, `toolResponse`).

https://ai.google.dev/gemini-api/docs/function-calling, https://ai.google.dev/gemini-api/docs/thought-signatures
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from dragoman.dialects.generate.partial import PartialArguments
from dragoman.dialects.generate.parts import Lost, result_media, words, write_parts
from dragoman.dialects.generate.remainder import NAME, complete, field, keep, mark, own, snake, text_or_none
from dragoman.dialects.remainder import JsonObject, arguments_value, object_or_empty
from dragoman.ir.request import Call, OpaquePart, Part, Proof, Result, Text

SIGNATURE = "thoughtSignature"
KIND = "thought_signature"
"""The kind of this dialect's proofs."""

WHOLE = "$part"
"""Mark on a call or result that the provider made itself: its whole part, as it came."""

_OURS = re.compile(r"gcall_[0-9a-f]{20}\Z")
"""Ids of our own, for calls that came without one. The API matches such calls by order and is not told of them."""
_BEGIN = "gcall_"

_CODE = "code_execution"
_TOOL_TYPES = {
    "GOOGLE_SEARCH_WEB": "web_search",
    "GOOGLE_SEARCH": "web_search",
    "URL_CONTEXT": "web_fetch",
    "FILE_SEARCH": "file_search",
    "GOOGLE_MAPS": "google_maps",
}
PROVIDER_RUN = ("executableCode", "codeExecutionResult", "toolCall", "toolResponse")
"""Parts that tell of a tool that the provider ran."""
_RUN_SPELLED = frozenset(spelled for name in PROVIDER_RUN for spelled in (name, snake(name)))


def own_id(digest: str) -> str:
    """An id for a call that came without one; `digest` is hexadecimal."""
    return f"{_BEGIN}{digest[:20]}"


def _is_own(call_id: str) -> bool:
    return call_id.startswith(_BEGIN) and _OURS.match(call_id) is not None


def read_proof(came: JsonObject) -> Proof | None:
    """The signature on a part."""
    found = text_or_none(field(came, SIGNATURE))
    return Proof(NAME, found, KIND) if found is not None else None


def signature(proof: Proof | None) -> JsonObject:
    """A proof of this dialect as the field of a part; nothing for any other."""
    return {SIGNATURE: proof.data} if proof is not None and proof.maker == NAME and proof.kind == KIND else {}


# ---- the client's tools --------------------------------------------------------------------------------------------------


def read_call(came: JsonObject, call_id: str) -> Call:
    """A `functionCall` part. `call_id` stands for an id that it doesn't have."""
    value = object_or_empty(field(came, "functionCall"))
    arguments = msgspec.json.encode(object_or_empty(value.get("args"))).decode()
    if "partialArgs" in value:
        # A call whose arguments were streamed stands so in the history, too.
        partial = PartialArguments(msgspec.json.decode(arguments))
        partial.feed(value["partialArgs"])
        arguments = msgspec.json.encode(partial.value).decode()
    call = Call(text_or_none(value.get("id")) or call_id, str(value.get("name") or ""), arguments, proof=read_proof(came))
    extra = keep(came, _plain_call(call, []))
    return msgspec.structs.replace(call, extra=extra) if extra else call


def write_call(call: Call, lost: Lost) -> JsonObject:
    """The part of a call of the client's tools."""
    return complete(_plain_call(call, lost), own(call.extra)) if call.extra else _plain_call(call, lost)


def _plain_call(call: Call, lost: Lost) -> JsonObject:
    value: JsonObject = {"name": call.name, "args": _arguments(call, lost)}
    if not _is_own(call.call_id):
        value["id"] = call.call_id
    return {"functionCall": value} if call.proof is None else {"functionCall": value, **signature(call.proof)}


def _arguments(call: Call, lost: Lost) -> JsonObject:
    value = arguments_value(call.arguments)
    if isinstance(value, dict):
        return value  # pyright: ignore[reportUnknownVariableType]
    lost.append(("contents.parts.functionCall.args", f"the arguments of `{call.name}` are no JSON object; they are told as `input`"))
    return {"input": value}


def read_result(came: JsonObject, call_id: str) -> Result:
    """A `functionResponse` part, the answer to the call of this id."""
    value = object_or_empty(field(came, "functionResponse"))
    text, is_error = _answer(value.get("response"))
    more = value.get("parts")
    media: list[Part] = result_media(more) if isinstance(more, list) else []  # pyright: ignore[reportUnknownArgumentType]
    name = value.get("name")
    result = Result(call_id, (Text(text), *media), plain=not media, is_error=is_error, name=name if isinstance(name, str) else "")
    extra = keep(came, _plain_result(result, "", []))
    return msgspec.structs.replace(result, extra=extra) if extra else result


def write_result(result: Result, name: str, lost: Lost) -> JsonObject:
    """The part of a result; `name` is that of its call."""
    return complete(_plain_result(result, name, lost), own(result.extra)) if result.extra else _plain_result(result, name, lost)


def _plain_result(result: Result, name: str, lost: Lost) -> JsonObject:
    value: JsonObject = {
        "name": name if result.name is None else result.name,
        "response": {"error" if result.is_error else "output": words(result.parts)},
    }
    if not _is_own(result.call_id):
        value["id"] = result.call_id
    if media := write_parts([part for part in result.parts if not isinstance(part, Text)], lost):
        value["parts"] = media
    return {"functionResponse": value}


def _answer(response: Any) -> tuple[str, bool]:
    """The text of a response, and whether it tells of an error: by convention under `output` or `error`, else all of it."""
    came = object_or_empty(response)
    if len(came) == 1:
        key, value = next(iter(came.items()))
        if key in ("output", "error", "result"):
            return value if isinstance(value, str) else msgspec.json.encode(value).decode(), key == "error"
    return msgspec.json.encode(came).decode(), False


# ---- what the provider ran itself ----------------------------------------------------------------------------------------


def is_provider_run(came: JsonObject) -> bool:
    """Whether a part tells of a tool that the provider ran."""
    return not came.keys().isdisjoint(_RUN_SPELLED) and any(field(came, name) is not None for name in PROVIDER_RUN)


def read_provider_run(came: JsonObject, call_id: str) -> Call | Result:
    """Such a part as a call or a result. `call_id` stands for an id that it doesn't have."""
    for name, read in _READ.items():
        value = field(came, name)
        if value is not None:
            item = read(object_or_empty(value), call_id)
            break
    else:
        raise KeyError("no part of a tool that the provider ran")
    if isinstance(item, Call):
        item = msgspec.structs.replace(item, proof=read_proof(came))
    return msgspec.structs.replace(item, extra={NAME: {WHOLE: came}})


def write_provider_run(item: Call | Result, lost: Lost) -> JsonObject | None:
    """The part as it came, or None if it came from elsewhere. A signature that was taken off since stays off."""
    whole: JsonObject | None = mark(item.extra, WHOLE)
    if whole is None:
        lost.append(("contents", "generate has no form for tools that another provider ran itself"))
        return None
    if isinstance(item, Call) and item.proof is None and read_proof(whole) is not None:
        return {name: value for name, value in whole.items() if name not in (SIGNATURE, "thought_signature")}
    return whole


def _read_code(value: JsonObject, call_id: str) -> Call:
    arguments = msgspec.json.encode({"code": value.get("code"), "language": value.get("language")}).decode()
    return Call(text_or_none(value.get("id")) or call_id, _CODE, arguments, executor="provider")


def _read_code_result(value: JsonObject, call_id: str) -> Result:
    failed = value.get("outcome") not in (None, "OUTCOME_OK", "OUTCOME_UNSPECIFIED")
    text = Text(str(value.get("output") or ""))
    return Result(text_or_none(value.get("id")) or call_id, (text,), is_error=failed, name=_CODE, executor="provider")


def _read_tool_call(value: JsonObject, call_id: str) -> Call:
    arguments = msgspec.json.encode(object_or_empty(value.get("args"))).decode()
    return Call(text_or_none(value.get("id")) or call_id, _tool_name(value), arguments, executor="provider")


def _read_tool_result(value: JsonObject, call_id: str) -> Result:
    text = Text(msgspec.json.encode(object_or_empty(value.get("response"))).decode())
    return Result(text_or_none(value.get("id")) or call_id, (text,), name=_tool_name(value), executor="provider")


def read_foreign_result(came: JsonObject, call_id: str) -> Result:
    """A `functionResponse` that the model itself said: the provider called the tool (a remote MCP server) and shows the answer."""
    result = msgspec.structs.replace(read_result(came, call_id), executor="provider", plain=True)
    parts = tuple(part for part in result.parts if not isinstance(part, OpaquePart))
    return msgspec.structs.replace(result, parts=parts, extra={NAME: {WHOLE: came}})


def _tool_name(value: JsonObject) -> str:
    kind = str(field(value, "toolType") or "tool")
    return _TOOL_TYPES.get(kind, kind.lower())


_READ: dict[str, Callable[[JsonObject, str], Call | Result]] = {
    "executableCode": _read_code,
    "codeExecutionResult": _read_code_result,
    "toolCall": _read_tool_call,
    "toolResponse": _read_tool_result,
}
