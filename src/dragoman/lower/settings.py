"""The settings of a request: dropped with a warning, or bounded, where the target doesn't take them."""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.request import CustomTool, FunctionTool, Item, Message, OutputFormat, Request, Text
from dragoman.lower.fitting import Fitting

replace = msgspec.structs.replace

# Field of Request, the capability that it needs, values whose loss changes nothing.
_SWITCHES: tuple[tuple[str, str, tuple[object, ...]], ...] = (
    ("parallel_tools", "parallel_tools", (True,)),
    ("verbosity", "verbosity", ("medium",)),
    ("service_tier", "service_tier", ("auto", "default")),
    ("metadata", "metadata", ({},)),
    ("user", "metadata", ()),
    ("cache_key", "cache_key", ()),
)
_SAMPLING = ("temperature", "top_p", "top_k")


def switch_off(request: Request, fitting: Fitting) -> Request:
    """Without the settings that the target doesn't know."""
    dropped: dict[str, Any] = {}
    for field, needed, harmless in _SWITCHES:
        value = getattr(request, field)
        if value is None or getattr(fitting.caps, needed):
            continue
        dropped[field] = None
        if value not in harmless:
            fitting.warn(field, "the target does not take this setting")
    return replace(request, **dropped) if dropped else request


def sample(request: Request, fitting: Fitting) -> Request:
    """Without temperature and the like where the model refuses them."""
    if fitting.caps.sampling:
        return request
    said = [name for name in _SAMPLING if getattr(request.sampling, name) is not None]
    for name in said:
        if getattr(request.sampling, name) != 1:
            fitting.warn(name, "the target does not take this setting")
    return replace(request, sampling=replace(request.sampling, **dict.fromkeys(said))) if said else request


def bound(request: Request, fitting: Fitting) -> Request:
    """No more output and no more answers than the target gives; all the output that it gives where it wants a number. Raises
    GatewayError(unsupported) for several answers."""
    if request.choices > 1 and not fitting.caps.choices:
        raise GatewayError(
            Kind.UNSUPPORTED, f"`n` is {request.choices}, and the target gives one answer to a request; ask once for each", param="n"
        )
    limit = fitting.caps.max_output_tokens
    if request.max_tokens is None and fitting.caps.max_tokens_required:
        return replace(request, max_tokens=limit)
    if limit is None or request.max_tokens is None or request.max_tokens <= limit:
        return request
    fitting.warn("max_tokens", f"{request.max_tokens} is more than the {limit} that the target gives")
    return replace(request, max_tokens=limit)


def shape(request: Request, fitting: Fitting) -> Request:
    """Structured output where the target has it, else JSON mode, else an instruction."""
    caps, output = fitting.caps, request.output
    if output is None or output.kind == "text":
        return request
    beside_tools = not caps.schema_with_tools and any(isinstance(tool, FunctionTool | CustomTool) for tool in request.tools)
    if output.kind == "schema" and (beside_tools or not caps.schema_output):
        fitting.warn("output", "the target does not hold its answer to a schema; it is asked to in words")
        instruction = _schema_words(output)
    elif output.kind == "json" and (beside_tools or not caps.json_output):
        fitting.warn("output", "the target has no JSON mode; it is asked for JSON in words")
        instruction = "Answer with one JSON object and nothing else: no explanation, no code fence."
    else:
        return request
    plain = OutputFormat("json") if caps.json_output and not beside_tools else None
    return replace(request, output=plain, items=_instructed(request.items, instruction))


def _schema_words(output: OutputFormat) -> str:
    schema = msgspec.json.encode(output.schema or {}).decode()
    words = f" {output.description}" if output.description else ""
    return f"Answer with one JSON object that matches this JSON Schema, and nothing else: no explanation, no code fence.{words}\n{schema}"


def _instructed(items: tuple[Item, ...], instruction: str) -> tuple[Item, ...]:
    # After the instructions that open the conversation, so that targets without late ones take it too.
    place = next(
        (index for index, item in enumerate(items) if not (isinstance(item, Message) and item.role in ("system", "developer"))), len(items)
    )
    return (*items[:place], Message("system", (Text(instruction),)), *items[place:])
