"""Requests: `POST /responses` to the neutral language and back.

https://platform.openai.com/docs/api-reference/responses/create
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from dragoman.dialects.contract import Call, Quirks
from dragoman.dialects.remainder import JsonObject, each, read_body, text_or_none, whole_or_none, wrong
from dragoman.dialects.responses.formal import formal
from dragoman.dialects.responses.items import read_item, write_item
from dragoman.dialects.responses.remainder import NAME, keep, mark, put_back
from dragoman.dialects.responses.sealed import settle
from dragoman.dialects.responses.tools import read_choice, read_tools, unsayable_tools, write_choice, write_tools
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.request import Item, Message, OpaqueItem, OutputFormat, Reasoning, ReasoningWish, Request, Sampling, Text

PATH = "/responses"
_INSTRUCTIONS = "$instructions"
_TEXT = "$text"
SEALS = "reasoning.encrypted_content"
"""What `include` says to get thoughts in a form that can be sent back."""
_LOGPROBS = "message.output_text.logprobs"
_MIN_OUTPUT_TOKENS = 16
TIERS = frozenset({"auto", "default", "flex", "scale", "priority", "fast", "ultrafast"})
"""The tiers that this API has; servers of other APIs have more (Groq's `on_demand`)."""
_STATE = ("previous_response_id", "conversation", "background", "prompt")

Unsaid = list[tuple[str, str]]

# ---- routing -------------------------------------------------------------------------------------------------------------


def state_fields(request: Request) -> list[str]:
    """Names of the fields by which a request leans on state that the provider keeps."""
    rest = (request.extra or {}).get(NAME, {})
    leaning = [name for name in _STATE if rest.get(name) not in (None, False)]
    references = (item for item in request.items if isinstance(item, OpaqueItem) and item.dialect == NAME)
    return [*leaning, *(["item_reference"] if any(item.kind == "item_reference" for item in references) else [])]


def keeps(request: Request) -> bool:
    """Whether the provider is asked in so many words to keep the answer."""
    return (request.extra or {}).get(NAME, {}).get("store") not in (None, False)


# ---- reading -------------------------------------------------------------------------------------------------------------


def read_request(call: Call) -> Request:
    """The whole request. Raises GatewayError(invalid_request) with the JSON path of what is wrong."""
    came = read_body(call.body)
    model = came.get("model")
    if not isinstance(model, str) or not model:
        raise wrong("model", "must name a model")
    text = came.get("text")
    request = Request(
        model,
        (*_read_instructions(came), *_read_input(came.get("input"))),
        stream=came.get("stream") is True,
        tools=read_tools(came.get("tools"), "tools"),
        tool_choice=read_choice(came.get("tool_choice")),
        parallel_tools=_bool(came, "parallel_tool_calls"),
        reasoning=_read_reasoning(came.get("reasoning")),
        output=_read_output(text),
        verbosity=text_or_none(text, "verbosity") if isinstance(text, dict) else None,  # pyright: ignore[reportUnknownArgumentType]
        max_tokens=whole_or_none(came, "max_output_tokens"),
        sampling=_read_sampling(came),
        cache_key=text_or_none(came, "prompt_cache_key"),
        service_tier=text_or_none(came, "service_tier"),
        user=text_or_none(came, "safety_identifier") or text_or_none(came, "user"),
        metadata=_dict(came, "metadata"),
    )
    return msgspec.structs.replace(request, extra=_rest(came, request))


def _rest(came: JsonObject, request: Request) -> dict[str, JsonObject]:
    # Lists of items and tools are equal by construction, and large: neither written nor compared.
    said: JsonObject = {name: came[name] for name in ("input", "tools") if isinstance(came.get(name), list) and came[name]}
    written = _plainly(request, said)
    # Generated for others only; a client of this dialect says itself what it wants.
    written.pop("include", None)
    marks: JsonObject = {}
    text = came.get("text")
    if isinstance(text, dict) and "text" in written:
        kept = keep(text, written.pop("text"))  # pyright: ignore[reportUnknownArgumentType]
        came = {name: value for name, value in came.items() if name != "text"}
        marks = {_TEXT: kept[NAME]} if kept else {}
    # Even where nothing is left over: it tells the writer that the request is of this dialect.
    return keep(came, written, marks) or {NAME: {}}


def _read_instructions(came: JsonObject) -> tuple[Message, ...]:
    instructions = came.get("instructions")
    if not isinstance(instructions, str):
        return ()
    return (Message("system", (Text(instructions),), extra={NAME: {_INSTRUCTIONS: True}}),)


def _read_input(value: Any) -> tuple[Item, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (Message("user", (Text(value),)),)
    if not isinstance(value, list):
        raise wrong("input", "must be a string or a list of items")
    return settle(tuple(each(read_item, value, "input")))  # pyright: ignore[reportUnknownArgumentType]


def _read_reasoning(value: Any) -> ReasoningWish | None:
    if not isinstance(value, dict):
        return None
    came: JsonObject = value  # pyright: ignore[reportUnknownVariableType]
    wish = ReasoningWish(text_or_none(came, "effort"), text_or_none(came, "summary"))
    extra = keep(came, write_wish(wish))
    return msgspec.structs.replace(wish, extra=extra) if extra else wish


_FORMATS: dict[Any, Literal["text", "json", "schema"]] = {"text": "text", "json_object": "json", "json_schema": "schema"}


def _read_output(text: Any) -> OutputFormat | None:
    value: Any = text.get("format") if isinstance(text, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    if not isinstance(value, dict):
        return None
    came: JsonObject = value  # pyright: ignore[reportUnknownVariableType]
    kind = _FORMATS.get(text_or_none(came, "type") or "")
    if kind is None:
        return None
    return OutputFormat(kind, text_or_none(came, "name"), _dict(came, "schema"), _bool(came, "strict"), text_or_none(came, "description"))


def _read_sampling(came: JsonObject) -> Sampling:
    include = came.get("include")
    return Sampling(
        temperature=_number(came, "temperature"),
        top_p=_number(came, "top_p"),
        top_logprobs=whole_or_none(came, "top_logprobs"),
        logprobs=True if isinstance(include, list) and _LOGPROBS in include else None,
    )


def _bool(came: JsonObject, name: str) -> bool | None:
    value = came.get(name)
    return value if isinstance(value, bool) else None


def _number(came: JsonObject, name: str) -> float | None:
    value = came.get(name)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _dict(came: JsonObject, name: str) -> JsonObject | None:
    value = came.get(name)
    return value if isinstance(value, dict) else None  # pyright: ignore[reportUnknownVariableType]


# ---- writing -------------------------------------------------------------------------------------------------------------


def write_request(request: Request, quirks: Quirks) -> tuple[Call, Unsaid]:
    """The call, and (field, why) for each thing that could not be said. Raises GatewayError(unsupported) for more than one answer."""
    if request.choices > 1:
        raise GatewayError(
            Kind.UNSUPPORTED, f"`n` is {request.choices}: this API gives one answer to a request; ask once for each", param="n"
        )
    request, unsaid = _proven(request, quirks)
    unsaid += _unsaid(request)
    written = put_back(_plainly(request, {"input": _write_input(request, unsaid)}), request.extra)
    if "text" in written:
        written["text"] = put_back(written["text"], {NAME: mark(request.extra, _TEXT) or {}})
    _apply_store(written, request, quirks)
    if request.user is None and text_or_none(written, "user"):
        del written["user"]  # taken out on the way: no second spelling of it may remain
    if request.service_tier is not None and request.service_tier not in TIERS and not _native(request):
        del written["service_tier"]
        unsaid.append(("service_tier", f"the Responses API knows no tier `{request.service_tier}`"))
    if request.max_tokens is not None and request.max_tokens < _MIN_OUTPUT_TOKENS and not _native(request):
        written["max_output_tokens"] = _MIN_OUTPUT_TOKENS
        unsaid.append(("max_tokens", f"{request.max_tokens} became {_MIN_OUTPUT_TOKENS}, the least that this API takes"))
    return Call(PATH, msgspec.json.encode(written)), unsaid


def _proven(request: Request, quirks: Quirks) -> tuple[Request, Unsaid]:
    """The request without thoughts that say nothing but their id, where the API keeps nothing that it could look up under it:
    "Item with id … not found. Items are not persisted when `store` is set to false."."""
    stored = (request.extra or {}).get(NAME, {}).get("store", quirks.store) is not False
    items = request.items if stored else tuple(item for item in request.items if not _is_bare(item))
    if len(items) == len(request.items):
        return request, []
    return msgspec.structs.replace(request, items=items), [("reasoning", "thoughts that came back without their seal are left out")]


def _is_bare(item: Item) -> bool:
    return isinstance(item, Reasoning) and item.proof is None and not item.content


def _native(request: Request) -> bool:
    return NAME in (request.extra or {})


def _plainly(request: Request, said: JsonObject) -> JsonObject:
    """The body without what only this API knows. `said`: fields whose wire form is at hand already."""
    instructions, _ = _split_instructions(request.items)
    written: JsonObject = {"model": request.model}
    if instructions is not None:
        written["instructions"] = instructions
    written["input"] = said["input"] if "input" in said else _write_input(request, [])
    if request.tools:
        written["tools"] = said["tools"] if "tools" in said else write_tools(request.tools)
    if request.tool_choice is not None:
        written["tool_choice"] = write_choice(request.tool_choice, request.tools)
    if request.reasoning is not None:
        written["reasoning"] = put_back(write_wish(request.reasoning), request.reasoning.extra)
    if text := write_text(request):
        written["text"] = text
    written.update({name: value for name, value in _plain_fields(request) if value is not None})
    return written


def _write_input(request: Request, unsaid: Unsaid) -> list[JsonObject]:
    _, items = _split_instructions(request.items)
    native, written = _native(request), list[JsonObject]()
    for item in items:
        # A thought that came without this API's seal is refused by it; only a client of this dialect knows better.
        said = None if isinstance(item, Reasoning) and item.proof is None and not native else write_item(item)
        if said is None:
            unsaid.append(("items", f"a `{type(item).__name__}` of another API"))
        else:
            written.append(said if native else formal(said))
    return written


def _plain_fields(request: Request) -> tuple[tuple[str, Any], ...]:
    sampling = request.sampling
    return (
        ("parallel_tool_calls", request.parallel_tools),
        ("max_output_tokens", request.max_tokens),
        ("temperature", sampling.temperature),
        ("top_p", sampling.top_p),
        ("top_logprobs", sampling.top_logprobs),
        ("include", [_LOGPROBS] if sampling.logprobs and not _native(request) else None),
        ("prompt_cache_key", request.cache_key),
        ("service_tier", request.service_tier),
        ("safety_identifier", request.user),
        ("metadata", request.metadata),
        ("stream", request.stream or None),
    )


def _split_instructions(items: tuple[Item, ...]) -> tuple[str | None, tuple[Item, ...]]:
    first = items[0] if items else None
    if not isinstance(first, Message) or not mark(first.extra, _INSTRUCTIONS):
        return None, items
    if not all(isinstance(part, Text) for part in first.parts):
        return None, items
    return "".join(part.text for part in first.parts if isinstance(part, Text)), items[1:]


def write_wish(wish: ReasoningWish) -> JsonObject:
    """`reasoning` without what only this API knows."""
    return {name: value for name, value in (("effort", wish.effort), ("summary", wish.summary)) if value is not None}


def write_text(request: Request) -> JsonObject:
    """`text` without what only this API knows."""
    text: JsonObject = {}
    if request.output is not None:
        text["format"] = _plain_format(request.output)
    if request.verbosity is not None:
        text["verbosity"] = request.verbosity
    return text


_ANY_OBJECT = {"type": "object"}
"""Must be said here, not in Chat."""


def _plain_format(output: OutputFormat) -> JsonObject:
    if output.kind != "schema":
        return {"type": "text" if output.kind == "text" else "json_object"}
    fields = (("description", output.description), ("schema", output.schema or _ANY_OBJECT), ("strict", output.strict))
    named: JsonObject = {"type": "json_schema", "name": output.name or "output"}
    return {**named, **{name: value for name, value in fields if value is not None}}


def _apply_store(written: JsonObject, request: Request, quirks: Quirks) -> None:
    """Keep nothing at the provider unless the client asked for it; then thoughts must come back sealed."""
    if quirks.store is None or "store" in written:
        return
    written["store"] = quirks.store
    wanted = request.reasoning is not None and request.reasoning.effort != "none"
    include: Any = written.get("include") or []
    if wanted and quirks.store is False and isinstance(include, list) and SEALS not in include:
        written["include"] = [*include, SEALS]


_NO_PLACE = "the Responses API has no such field"


def _unsaid(request: Request) -> Unsaid:
    sampling = request.sampling
    fields = (
        ("stop", sampling.stop),
        ("seed", sampling.seed),
        ("top_k", sampling.top_k),
        ("frequency_penalty", sampling.frequency_penalty),
        ("presence_penalty", sampling.presence_penalty),
        ("logit_bias", sampling.logit_bias),
    )
    unsaid = [(name, _NO_PLACE) for name, value in fields if value not in (None, ())]
    if request.reasoning is not None and request.reasoning.budget_tokens is not None and request.reasoning.effort is None:
        unsaid.append(("reasoning.budget_tokens", "the Responses API takes an effort, not a number of tokens"))
    return [*unsaid, *((f"tools.{kind}", "a hosted tool of another API") for kind in unsayable_tools(request.tools))]
