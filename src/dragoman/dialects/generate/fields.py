"""The settings of a request: `generationConfig`, `serviceTier`.

https://ai.google.dev/api/generate-content#GenerationConfig, https://ai.google.dev/gemini-api/docs/thinking
"""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.dialects.contract import Quirks
from dragoman.dialects.generate.parts import Lost
from dragoman.dialects.generate.remainder import field
from dragoman.dialects.generate.schema import to_json_schema
from dragoman.dialects.remainder import JsonObject, object_or_empty, objects
from dragoman.ir.request import OutputFormat, ReasoningWish, Request, Sampling


class _Row(msgspec.Struct, frozen=True):
    """One setting that is the same value on both sides. `default` is not written."""

    wire: str
    attribute: str
    kinds: tuple[type, ...]
    default: Any = None


_NUMBER = (int, float)
_SAMPLING = (
    _Row("temperature", "temperature", _NUMBER),
    _Row("topP", "top_p", _NUMBER),
    _Row("topK", "top_k", _NUMBER),
    _Row("seed", "seed", (int,)),
    _Row("frequencyPenalty", "frequency_penalty", _NUMBER),
    _Row("presencePenalty", "presence_penalty", _NUMBER),
    _Row("responseLogprobs", "logprobs", (bool,)),
    _Row("logprobs", "top_logprobs", (int,)),
)
_DIRECT = (_Row("maxOutputTokens", "max_tokens", (int,)), _Row("candidateCount", "choices", (int,), 1))

# https://ai.google.dev/gemini-api/docs/openai#thinking: the same words in budgets.
_BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 24576, "max": 24576}
_LEVELS = {"none": "MINIMAL", "xhigh": "HIGH", "max": "HIGH"}
_JSON = "application/json"
_TIERS = frozenset({"flex", "standard", "priority"})


def read_config(came: JsonObject) -> dict[str, Any]:
    """What a `generationConfig` says, as arguments of Request. Values of another type than usual stay with this dialect."""
    found = _rows(_DIRECT, came)
    sampling = _rows(_SAMPLING, came)
    stop = field(came, "stopSequences")
    words: list[Any] = stop if isinstance(stop, list) else []  # pyright: ignore[reportUnknownVariableType]
    if words and all(isinstance(word, str) for word in words):
        sampling["stop"] = tuple(words)
    if sampling:
        found["sampling"] = Sampling(**sampling)
    output = _read_format(came)
    if output is not None:
        found["output"] = output
    wish = _read_wish(object_or_empty(field(came, "thinkingConfig")))
    if wish is not None:
        found["reasoning"] = wish
    return found


def write_config(request: Request, quirks: Quirks, lost: Lost) -> JsonObject:
    """The `generationConfig`, empty where nothing is said."""
    written: JsonObject = {}
    for rows, source in ((_SAMPLING, request.sampling), (_DIRECT, request)):
        for row in rows:
            value = getattr(source, row.attribute)
            if value != row.default:
                written[row.wire] = value
    if request.sampling.stop:
        written["stopSequences"] = list(request.sampling.stop)
    if request.sampling.logit_bias:
        lost.append(("logit_bias", "generate has no such setting"))
    if request.output is not None:
        written.update(_write_format(request.output))
    if request.reasoning is not None:
        thinking = _write_wish(request.reasoning, quirks)
        if thinking:
            written["thinkingConfig"] = thinking
    return written


def read_tier(value: Any) -> str | None:
    """`serviceTier`."""
    return value.lower() if isinstance(value, str) and value.lower() in _TIERS else None


def write_tier(tier: str | None, lost: Lost) -> JsonObject:
    """`serviceTier` as a field for the body."""
    if tier is None or tier in ("auto", "default"):
        return {}
    if tier in _TIERS:
        return {"serviceTier": tier}
    lost.append(("service_tier", f"generate knows no tier `{tier}`"))
    return {}


def _rows(rows: tuple[_Row, ...], came: JsonObject) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for row in rows:
        value = field(came, row.wire)
        if isinstance(value, row.kinds) and isinstance(value, bool) == (bool in row.kinds):
            found[row.attribute] = value
    return found


def _read_format(came: JsonObject) -> OutputFormat | None:
    spoken = field(came, "responseFormat")
    entries = objects(spoken) or [object_or_empty(spoken)]
    text = next((object_or_empty(entry["text"]) for entry in entries if "text" in entry), object_or_empty(None))
    kind = str(field(came, "responseMimeType") or _MIME_WORDS.get(str(field(text, "mimeType")), ""))
    schema = field(came, "responseJsonSchema") or to_json_schema(field(came, "responseSchema")) or text.get("schema")
    if kind != _JSON:
        return OutputFormat("text") if kind == "text/plain" else None
    return OutputFormat("schema", schema=object_or_empty(schema)) if isinstance(schema, dict) else OutputFormat("json")


_MIME_WORDS = {
    _JSON: _JSON,
    "APPLICATION_JSON": _JSON,
    "TYPE_APPLICATION_JSON": _JSON,
    "TEXT_PLAIN": "text/plain",
    "text/plain": "text/plain",
}


def _write_format(output: OutputFormat) -> JsonObject:
    if output.kind == "text":
        return {}
    # `responseFormat` says the same where it is known; these two are taken by every model that has structured output.
    written: JsonObject = {"responseMimeType": _JSON}
    if output.kind == "schema" and output.schema is not None:
        written["responseJsonSchema"] = output.schema
    return written


def _read_wish(came: JsonObject) -> ReasoningWish | None:
    level, budget = field(came, "thinkingLevel"), field(came, "thinkingBudget")
    effort = level.lower() if isinstance(level, str) and level.lower() in _BUDGETS else None
    budget = budget if isinstance(budget, int) and not isinstance(budget, bool) and budget >= 0 else None
    if budget == 0:
        effort, budget = "none", None
    summary = "auto" if field(came, "includeThoughts") is True else None
    return ReasoningWish(effort, summary, budget) if effort or summary or budget is not None else None


def _write_wish(wish: ReasoningWish, quirks: Quirks) -> JsonObject:
    written: JsonObject = {"includeThoughts": True} if wish.summary is not None else {}
    if quirks.thinking != "level":
        budget = wish.budget_tokens if wish.budget_tokens is not None else _BUDGETS.get(wish.effort or "")
        if budget is not None:
            written["thinkingBudget"] = budget
        return written
    effort = wish.effort
    if effort is None and wish.budget_tokens is not None:
        effort = "low" if wish.budget_tokens < 4096 else "medium" if wish.budget_tokens < 16384 else "high"
    if effort is not None:
        written["thinkingLevel"] = _LEVELS.get(effort, effort.upper())
    return written
