"""What providers tell of their own models, in the shapes that there are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.profiles.listing import ModelTold, read_list

_ABLE = {"completion_chat": True, "function_calling": True, "vision": False}
LISTS: dict[str, tuple[Any, tuple[ModelTold, ...]]] = {
    "openai": (
        {"object": "list", "data": [{"id": "gpt-9", "object": "model", "created": 1, "owned_by": "x"}, {"id": "text-embedding-9-small"}]},
        (ModelTold("gpt-9"),),
    ),
    "anthropic": (
        {"data": [{"type": "model", "id": "claude-opus-9", "display_name": "Opus 9", "max_input_tokens": 900_000, "max_tokens": 64_000}]},
        (ModelTold("claude-opus-9", window=900_000, output=64_000),),
    ),
    "gemini": (
        {
            "models": [
                {
                    "name": "models/gemini-9",
                    "inputTokenLimit": 1_000_000,
                    "outputTokenLimit": 65_536,
                    "supportedGenerationMethods": ["generateContent", "countTokens"],
                },
                {"name": "models/embedding-9", "supportedGenerationMethods": ["embedContent"]},
            ]
        },
        (ModelTold("gemini-9", window=1_000_000, output=65_536),),
    ),
    "openrouter": (
        {
            "data": [
                {
                    "id": "maker/model-9",
                    "context_length": 200_000,
                    "architecture": {"input_modalities": ["text", "image", "video"], "output_modalities": ["text"]},
                    "pricing": {
                        "prompt": "0.0000025",
                        "completion": "0.00001",
                        "request": "0",
                        "image": "0.003",
                        "web_search": "0.01",
                        "internal_reasoning": "0",
                        "input_cache_read": "0.00000025",
                    },
                    "top_provider": {"context_length": 128_000, "max_completion_tokens": 16_384, "is_moderated": False},
                    "supported_parameters": ["temperature", "tools", "reasoning"],
                },
                {"id": "maker/painter", "architecture": {"input_modalities": ["text"], "output_modalities": ["image"]}},
                {"id": "auto", "pricing": {"prompt": "-1", "completion": "-1"}},
            ]
        },
        (
            ModelTold(
                "maker/model-9",
                window=128_000,
                output=16_384,
                modalities=("text", "image"),
                tools=True,
                reasoning=True,
                rates={"input": 2.5, "output": 10.0, "cache_read": 0.25, "web_search": 0.01},
            ),
            ModelTold("auto"),
        ),
    ),
    "vllm": ({"data": [{"id": "org/model", "owned_by": "vllm", "max_model_len": 32_768}]}, (ModelTold("org/model", window=32_768),)),
    "ollama": ({"object": "list", "data": [{"id": "qwen3-coder:30b", "owned_by": "library"}]}, (ModelTold("qwen3-coder:30b"),)),
    "llama.cpp": (
        {"models": [{"name": "x.gguf"}], "data": [{"id": "x.gguf", "meta": {"n_ctx": 8192, "n_ctx_train": 131_072}}]},
        (ModelTold("x.gguf", window=8192),),
    ),
    "mistral": (
        {
            "data": [
                {"id": "m-1", "max_context_length": 131_072, "capabilities": _ABLE},
                {"id": "m-ocr", "capabilities": {"completion_chat": False}},
            ]
        },
        (ModelTold("m-1", window=131_072, modalities=("text",), tools=True),),
    ),
    "together": (
        [{"id": "org/m", "type": "chat", "context_length": 4096, "pricing": {"hourly": 0, "input": 0.3, "output": 0.9}},
         {"id": "p", "type": "image"}],
        (ModelTold("org/m", window=4096, rates={"input": 0.3, "output": 0.9}),),
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", LISTS)
def test_each_shape_is_read_by_its_fields(shape: str) -> None:
    body, expected = LISTS[shape]

    assert read_list(json.dumps(body).encode()) == expected


@pytest.mark.parametrize(("context", "price"), [("1.5", "1"), ("-1", '"1e999"'), ("0", "-1"), ("9" * 30, "9" * 400), ("true", '"nan"')])
def test_numbers_that_cannot_be_meant_are_none(context: str, price: str) -> None:
    body = f'{{"data": [{{"id": "m", "context_length": {context}, "pricing": {{"prompt": {price}}}}}]}}'.encode()

    assert read_list(body) == (ModelTold("m", rates={"input": 1.0} if price == "1" else {}),)


NESTED = b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"{}", b'{"data": 3}', b"7", b'{"error": {}}', b'{"data": [{"id": "\xff"}]}', NESTED],
    ids=range(8),
)
def test_what_is_no_list_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="the answer is no"):
        read_list(body)


_FIELDS = st.sampled_from(["id", "name", "pricing", "prompt", "meta", "type", "data"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_FIELDS, inner),
    max_leaves=12,
)


@given(st.lists(_JSON, max_size=4))
def test_odd_entries_are_left_out_or_read_without_a_fall(entries: list[Any]) -> None:
    for model in read_list(json.dumps({"data": entries}).encode()):
        assert model.name.isprintable()
        assert all(rate >= 0 for rate in model.rates.values())


def test_free_model_is_free_and_extras_without_price_have_none_apart() -> None:
    body = {"data": [{"id": "x", "pricing": {"prompt": "0", "completion": "0", "request": "0", "input_cache_read": "0"}}]}

    assert read_list(json.dumps(body).encode()) == (ModelTold("x", rates={"input": 0.0, "output": 0.0}),)
