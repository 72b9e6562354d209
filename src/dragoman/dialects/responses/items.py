"""Items of `input` and `output`: messages, thoughts, calls, results, and what stands between them.

https://platform.openai.com/docs/api-reference/responses/create#responses-create-input (ResponseInputItem, ResponseOutputItem)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from dragoman.dialects.remainder import JsonObject, arguments_object, object_at, objects, text_at, text_or_none, wrong
from dragoman.dialects.responses.agent_message import read_agent_message
from dragoman.dialects.responses.forms import HOSTED_CALLS, RUN_THERE, plainly, with_id
from dragoman.dialects.responses.parts import read_parts
from dragoman.dialects.responses.remainder import NAME, keep, put_back
from dragoman.dialects.responses.sealed import BROKEN, SEALED, Thought, close_seal, marks, open_seal
from dragoman.dialects.responses.tools import read_tools
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.request import (
    Call,
    CallKind,
    Compaction,
    CompactionTrigger,
    Extra,
    Image,
    Inline,
    Item,
    Message,
    OpaqueItem,
    Reasoning,
    Result,
    Role,
    Settings,
    Text,
    ToolsAdded,
)

_ROLES: dict[Any, Role] = {"system": "system", "developer": "developer", "user": "user", "assistant": "assistant"}


def read_item(value: Any, path: str) -> Item:
    """One item. Raises GatewayError(invalid_request) with the JSON path of what is wrong."""
    came = object_at(value, path)
    kind = came.get("type") or ("message" if "role" in came else "item_reference" if "id" in came else None)
    if not isinstance(kind, str):
        raise wrong(f"{path}.type", "must name the type of the item")
    read = _READ.get(kind)
    item = read(came, path) if read is not None else None
    return item if item is not None else OpaqueItem(NAME, kind, came)


def write_item(item: Item) -> JsonObject | None:
    """One item on the wire, None for what only another dialect understands."""
    return _WRITE[type(item)](item)


def write_given(item: Item) -> JsonObject | None:
    """One item of an answer: as `write_item`, but what another API needs again goes to the client in an envelope."""
    if isinstance(item, Call) and item.executor == "provider" and item.name == "web_search" and NAME not in (item.extra or {}):
        return with_id({"type": "web_search_call", "status": "completed", "action": _search_action(item)}, item.id)
    if isinstance(item, Message) and NAME not in (item.extra or {}):
        return _given_message(item)
    if not isinstance(item, Compaction | Reasoning):
        return write_item(item)
    written = put_back(plainly(item), item.extra)
    if item.proof is not None:
        written[SEALED] = close_seal(item.content if isinstance(item, Reasoning) else (), item.proof, item.extra)
    return written


def _given_message(item: Message) -> JsonObject | None:
    """An answer has words, and pictures as calls of a tool that makes them; sound has no form in it."""
    words = tuple(part for part in item.parts if isinstance(part, Text))
    if words:
        return write_item(msgspec.structs.replace(item, parts=words))
    pictures = (part.where.data for part in item.parts if isinstance(part, Image) and isinstance(part.where, Inline))
    return next(({"type": "image_generation_call", "status": "completed", "result": data} for data in pictures), None)


def _search_action(item: Call) -> JsonObject:
    query = arguments_object(item.arguments).get("query")
    return {"type": "search", "query": query if isinstance(query, str) else ""}


# ---- reading -------------------------------------------------------------------------------------------------------------

_Plain = TypeVar("_Plain", Message, Reasoning, Call, Result, ToolsAdded, CompactionTrigger, Compaction)


def _kept(item: _Plain, came: JsonObject) -> _Plain:
    extra = keep(came, plainly(item))
    return msgspec.structs.replace(item, extra=extra) if extra else item


def _read_message(came: JsonObject, path: str) -> Message:
    role = _ROLES.get(text_or_none(came, "role") or "")
    if role is None:
        raise wrong(f"{path}.role", "must be system, developer, user or assistant")
    content, own, phase = came.get("content"), text_or_none(came, "id"), text_or_none(came, "phase")
    message = Message(role, read_parts(content, spoken=role == "assistant", path=f"{path}.content"), own, phase)
    # As many fields as are understood: nothing is left over. Parts keep what is left over of them.
    understood = "type" in came and isinstance(content, list) and len(came) == 3 + (own is not None) + (phase is not None)
    return message if understood else _kept(message, came)


def _read_reasoning(came: JsonObject, path: str) -> Reasoning:
    thought, own = open_seal(came), text_or_none(came, "id")
    if thought.ours:
        content = _texts(came.get("content")) or thought.content
        return _unsealed(Reasoning(_texts(came.get("summary")), content, thought.proof, own), thought, came)
    if came.get("summary") == [] and came.get("content") is None:
        null = "content" in came
        if len(came) == 2 + null + (thought.proof is not None) + (own is not None):
            return Reasoning(proof=thought.proof, id=own, extra=_NO_CONTENT if null else None)
    return _kept(Reasoning(_texts(came.get("summary")), _texts(came.get("content")), thought.proof, own), came)


_NO_CONTENT: Extra = {NAME: {"content": None}}
"""What is left over of a thought without words where a client writes every field, as Codex does."""

_Sealed = TypeVar("_Sealed", Reasoning, Compaction)


def _unsealed(item: _Sealed, thought: Thought, came: JsonObject) -> _Sealed:
    """With what else the item said and the envelope knew. The envelope itself is for nobody but us."""
    written = plainly(item)
    written.pop(SEALED, None)
    kept = keep({name: value for name, value in came.items() if name != SEALED}, written, marks(thought))
    extra = {**(thought.extra or {}), **(kept or {})}
    return msgspec.structs.replace(item, extra=extra) if extra else item


def _texts(value: Any) -> tuple[str, ...]:
    return () if not value else tuple(text for entry in objects(value) if isinstance(text := entry.get("text"), str))


def is_run_there(item: JsonObject) -> bool:
    """Whether a custom call (or the result that a client made for it) is of a tool that the provider ran itself."""
    return (text_or_none(item, "call_id") or "").startswith(RUN_THERE)


def _read_custom_call(came: JsonObject, path: str) -> Call | None:
    return None if is_run_there(came) else _named_call(came, path, "custom", "input")


def _read_function_call(came: JsonObject, path: str) -> Call:
    return _named_call(came, path, "function", "arguments")


def _named_call(came: JsonObject, path: str, kind: CallKind, field: str) -> Call:
    namespace, own = text_or_none(came, "namespace"), text_or_none(came, "id")
    call = Call(text_at(came, "call_id", path), text_at(came, "name", path), text_at(came, field, path), kind, namespace, id=own)
    return call if len(came) == 4 + (namespace is not None) + (own is not None) else _kept(call, came)


def _read_search_call(came: JsonObject, path: str) -> Call | None:
    if came.get("execution", "client") != "client" or not isinstance(came.get("call_id"), str):
        return None  # run by the provider: nothing for anybody else
    arguments = msgspec.json.encode(came.get("arguments", {})).decode()
    return _kept(Call(came["call_id"], "tool_search", arguments, "search", id=text_or_none(came, "id")), came)


def _read_hosted_call(came: JsonObject, path: str) -> Call | None:
    name, field = HOSTED_CALLS[came["type"]]
    asked = came.get(field)
    if asked is None:
        return None
    item_id = text_or_none(came, "id")
    arguments = msgspec.json.encode({field: asked}).decode()
    call = _kept(Call(item_id or "", name, arguments, executor="provider", id=item_id), came)
    # Even where nothing is left over: it tells the writer whose call this is.
    return call if call.extra else msgspec.structs.replace(call, extra={NAME: {}})


def _read_function_result(came: JsonObject, path: str) -> Result:
    return _result(came, path, "function")


def _read_custom_result(came: JsonObject, path: str) -> Result | None:
    return None if is_run_there(came) else _result(came, path, "custom")


def _result(came: JsonObject, path: str, kind: CallKind) -> Result:
    call_id, output, own = text_at(came, "call_id", path), came.get("output"), text_or_none(came, "id")
    if isinstance(output, str) and len(came) == 3 + (own is not None):
        return Result(call_id, (Text(output),), kind, id=own)
    result = Result(
        call_id,
        read_parts(output, spoken=False, path=f"{path}.output"),
        kind,
        plain=isinstance(output, str),
        name=text_or_none(came, "name"),
        namespace=text_or_none(came, "namespace"),
        id=own,
    )
    return _kept(result, came)


def _read_search_result(came: JsonObject, path: str) -> Result | None:
    if came.get("execution", "client") != "client" or not isinstance(came.get("call_id"), str):
        return None
    tools = read_tools(came.get("tools"), f"{path}.tools")
    return _kept(Result(came["call_id"], (), "search", tools=tools, id=text_or_none(came, "id")), came)


def _read_tools_added(came: JsonObject, path: str) -> ToolsAdded:
    role = text_or_none(came, "role")
    return _kept(ToolsAdded(read_tools(came.get("tools"), f"{path}.tools"), role or "developer"), came)


def _read_settings(came: JsonObject, path: str) -> Settings:
    return Settings(NAME, came)


def _read_trigger(came: JsonObject, path: str) -> CompactionTrigger:
    return _kept(CompactionTrigger(), came)


def _read_compaction(came: JsonObject, path: str) -> Compaction | None:
    thought = open_seal(came)
    if thought.proof is None:
        return None
    if thought.proof == BROKEN:
        raise GatewayError(
            Kind.SEAL_REFUSED,
            f"`{path}` holds the compacted conversation, but was altered, cut, or sealed by a later version of the gateway; start a new "
            "conversation",
            source="client",
            param=path,
        )
    item = Compaction(thought.proof, text_or_none(came, "id"))
    return _unsealed(item, thought, came) if thought.ours else _kept(item, came)


_READ: dict[str, Callable[[JsonObject, str], Item | None]] = {
    "message": _read_message,
    "reasoning": _read_reasoning,
    "function_call": _read_function_call,
    "custom_tool_call": _read_custom_call,
    "tool_search_call": _read_search_call,
    "web_search_call": _read_hosted_call,
    "file_search_call": _read_hosted_call,
    "code_interpreter_call": _read_hosted_call,
    "function_call_output": _read_function_result,
    "custom_tool_call_output": _read_custom_result,
    "tool_search_output": _read_search_result,
    "additional_tools": _read_tools_added,
    "configuration_update": _read_settings,
    "compaction_trigger": _read_trigger,
    "compaction": _read_compaction,
    "agent_message": read_agent_message,
}

# ---- writing -------------------------------------------------------------------------------------------------------------


def _write_plain(item: Message | Call | Result | ToolsAdded | CompactionTrigger) -> JsonObject | None:
    return put_back(plainly(item), item.extra)


def _write_reasoning(item: Reasoning) -> JsonObject | None:
    # A thought of another API is none here: one without its own seal is refused (github.com/Wei-Shaw/sub2api/issues/3138).
    if item.proof is not None and item.proof.maker != NAME:
        return None
    return put_back(plainly(item), item.extra)


def _write_compaction(item: Compaction) -> JsonObject | None:
    return put_back(plainly(item), item.extra) if item.proof.maker == NAME else None


def _write_own(item: Settings | OpaqueItem) -> JsonObject | None:
    return item.value if item.dialect == NAME else None


def _write_call(item: Call) -> JsonObject | None:
    hosted_elsewhere = item.executor == "provider" and NAME not in (item.extra or {})
    return None if hosted_elsewhere else put_back(plainly(item), item.extra)


def _write_result(item: Result) -> JsonObject | None:
    return None if item.executor == "provider" else put_back(plainly(item), item.extra)


_WRITE: dict[type, Callable[[Any], JsonObject | None]] = {
    Message: _write_plain,
    Reasoning: _write_reasoning,
    Call: _write_call,
    Result: _write_result,
    ToolsAdded: _write_plain,
    Settings: _write_own,
    CompactionTrigger: _write_plain,
    Compaction: _write_compaction,
    OpaqueItem: _write_own,
}
