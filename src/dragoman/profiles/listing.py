"""Reads what a provider tells of its own models: the answer to `GET models`, in the shapes that there are.

They are told apart by their fields, so a server that nobody has heard of is read as far as it says what others say.
OpenAI's: https://platform.openai.com/docs/api-reference/models/list, Anthropic's: https://platform.claude.com/docs/en/api/models-list,
Gemini's: https://ai.google.dev/api/models, OpenRouter's: https://openrouter.ai/docs/api-reference/list-available-models,
vLLM's, Ollama's and llama.cpp's are OpenAI's with `max_model_len`, or with `meta`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from dragoman.wire.not_json import NOT_JSON

MOST = 5000
"""Models of one list that are read."""
_NAME_CHARS = 200
_MOST_TOKENS = 1_000_000_000
"""More no model holds; a server that says so means something else."""
_WINDOW = (
    ("max_model_len",),
    ("loaded_context_length",),
    ("meta", "n_ctx"),
    ("top_provider", "context_length"),
    ("context_window",),
    ("context_length",),
    ("max_context_length",),
    ("inputTokenLimit",),
    ("max_input_tokens",),
)
_OUTPUT = (
    ("top_provider", "max_completion_tokens"),
    ("max_completion_tokens",),
    ("outputTokenLimit",),
    ("max_output_tokens",),
    ("max_tokens",),
)
_INPUT_KINDS = (("architecture", "input_modalities"), ("input_modalities",), ("modalities", "input"))
_OUTPUT_KINDS = (("architecture", "output_modalities"), ("output_modalities",), ("modalities", "output"))
_SEES = (("capabilities", "vision"), ("supports_image_in",), ("supports_image_input",), ("supports_vision",))
_CALLS = (("capabilities", "function_calling"), ("supports_tools",), ("supports_function_calling",))
_TALKS = (("capabilities", "completion_chat"), ("supports_chat",))
_PRICES = {
    "prompt": "input",
    "input": "input",
    "completion": "output",
    "output": "output",
    "input_cache_read": "cache_read",
    "cached_input": "cache_read",
    "input_cache_write": "cache_write",
    "internal_reasoning": "reasoning",
}
_EACH = {"request": "request", "web_search": "web_search"}
_MILLION = 1_000_000
_KINDS = ("text", "image", "file", "audio")
_TALKING_TYPES = ("chat", "language", "code", "llm", "vlm", "model", "text-generation")
_SILENT = re.compile(
    r"embed|whisper|(^|[-/])tts|dall-e|moderation|transcribe|realtime|sora|babbage|davinci|rerank|[-/]image|imagen|veo-|stable-diffusion"
)


class ModelTold(msgspec.Struct, frozen=True):
    """What a provider tells of one of its models; None: it does not say. window: tokens. rates: US dollars per million tokens, or
    each, by the units' names in `prices` of the config."""

    name: str
    window: int | None = None
    output: int | None = None
    modalities: tuple[str, ...] | None = None
    tools: bool | None = None
    reasoning: bool | None = None
    rates: dict[str, float] = {}


def read_list(body: bytes) -> tuple[ModelTold, ...]:
    """The models of the list that talk (not those that embed, paint or listen). Raises ValueError if it is no list of models."""
    try:
        told: Any = msgspec.json.decode(body)
    except NOT_JSON as error:
        raise ValueError("the answer is no JSON that can be read") from error
    entries = _entries(told)
    if entries is None:
        raise ValueError("the answer is no list of models")
    found = (_model(_object(entry)) for entry in entries[:MOST])
    return tuple({model.name: model for model in found if model is not None}.values())


def _entries(told: Any) -> list[Any] | None:
    if isinstance(told, list):
        return told  # pyright: ignore[reportUnknownVariableType]
    body = _object(told)
    return next((body[name] for name in ("data", "models") if isinstance(body.get(name), list)), None)


def _model(entry: Mapping[str, Any]) -> ModelTold | None:
    name = next((entry[key] for key in ("id", "name", "model") if isinstance(entry.get(key), str)), "").removeprefix("models/")
    if not name or len(name) > _NAME_CHARS or not name.isprintable() or " " in name or not _talks(name, entry):
        return None
    supported = _list(entry, (("supported_parameters",),))
    calls = _flag(entry, _CALLS)
    return ModelTold(
        name,
        window=_count(entry, _WINDOW),
        output=_count(entry, _OUTPUT),
        modalities=_modalities(entry),
        tools=("tools" in supported) if supported is not None else calls,
        reasoning=("reasoning" in supported) if supported is not None else None,
        rates=_rates(_object(entry.get("pricing"))),
    )


def _talks(name: str, entry: Mapping[str, Any]) -> bool:
    said = _flag(entry, _TALKS)
    if said is not None:
        return said
    methods = entry.get("supportedGenerationMethods")
    if isinstance(methods, list):
        return "generateContent" in methods
    kinds = _list(entry, _OUTPUT_KINDS)
    if kinds is not None:
        return "text" in kinds
    kind = entry.get("type")
    return kind in _TALKING_TYPES if isinstance(kind, str) else _SILENT.search(name.lower()) is None


def _modalities(entry: Mapping[str, Any]) -> tuple[str, ...] | None:
    told = _list(entry, _INPUT_KINDS)
    if told is not None:
        return tuple(kind for kind in _KINDS if kind in told)
    sees = _flag(entry, _SEES)
    return None if sees is None else ("text", "image") if sees else ("text",)


def _rates(pricing: Mapping[str, Any]) -> dict[str, float]:
    """Prices as text are for one token, as numbers for a million. Below nothing stands what depends on the model that is chosen."""
    found: dict[str, float] = {}
    for name, unit in (*_PRICES.items(), *_EACH.items()):
        value = pricing.get(name)
        number = _number(value)
        if number is None:
            continue
        if number < 0:
            return {}
        scale = _MILLION if isinstance(value, str) and name in _PRICES else 1
        # Twelve places, so that 0.0000025 for one is 2.5 for a million.
        found[unit] = round(number * scale, 12)
    # A price of nothing for an extra says that there is none apart; a free model says so for what it takes and gives.
    return {unit: rate for unit, rate in found.items() if rate or unit in ("input", "output")}


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


_Paths = Iterable[tuple[str, ...]]


def _at(entry: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    *steps, last = path
    inner: Any = entry
    for step in steps:
        inner = _object(inner).get(step)
    return _object(inner).get(last)


def _count(entry: Mapping[str, Any], paths: _Paths) -> int | None:
    found = (_at(entry, path) for path in paths)
    return next((value for value in found if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MOST_TOKENS), None)


def _flag(entry: Mapping[str, Any], paths: _Paths) -> bool | None:
    return next((value for path in paths if isinstance(value := _at(entry, path), bool)), None)


def _list(entry: Mapping[str, Any], paths: _Paths) -> list[Any] | None:
    for path in paths:
        value: Any = _at(entry, path)
        if isinstance(value, list):
            return value  # pyright: ignore[reportUnknownVariableType]
    return None


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType]
