"""What the journal writes down of costs, from answers as providers send them to the sums that are asked for: against sums worked out by
hand from the providers' price pages."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import to_builtins

from dragoman.app.asking import Asking
from dragoman.app.costs import counting, price_by
from dragoman.app.pricing import record_price
from dragoman.config.journal_schema import Journal as Settings
from dragoman.config.price_schema import LongRates, ModelPrice
from dragoman.dialects.registry import dialect
from dragoman.ir.record import Attempt, Record, sum_up
from dragoman.ir.usage import Usage
from dragoman.observe.journal import Journal
from dragoman.observe.journal_rows import Priced
from dragoman.observe.tally import Tally
from dragoman.policy.book import PriceBook
from dragoman.policy.price import Steps
from dragoman.store.open import open_store

AT = 1_795_000_000.0
"""November 2026."""
LISTED = ("openai", "anthropic", "google", "openrouter", "groq", "perplexity", "deepseek")
PRICES = {
    "own/*": ModelPrice(input=0.1, output=0.3, discount=0.07),
    "fine/*": ModelPrice(input=0.0123457, output=0.1, discount=0.333),
    "half/*": ModelPrice(input=0.0000005, output=1.0),
    "steps/*": ModelPrice(
        input=1.0, output=2.0, reasoning=3.0, batch_discount=0.4, long=(LongRates(over=1000, input=2.0, cache_read=0.2, output=4.0),)
    ),
}
BOOK = PriceBook(PRICES, {name: name for name in LISTED} | {"xai": "x-ai"} | {name.partition("/")[0]: None for name in PRICES})


def chat(usage: dict[str, Any], **more: Any) -> tuple[str, dict[str, Any]]:
    choice = {"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}
    return "chat", {"id": "c", "model": "m", "choices": [choice], "usage": usage, **more}


def responses(usage: dict[str, Any], **more: Any) -> tuple[str, dict[str, Any]]:
    return "responses", {"id": "r", "object": "response", "status": "completed", "model": "m", "output": [], "usage": usage, **more}


def messages(usage: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    content = [{"type": "text", "text": "ok"}]
    return "messages", {
        "id": "m", "type": "message", "role": "assistant", "model": "m", "content": content, "stop_reason": "end_turn", "usage": usage
    }  # fmt: skip


def generate(usage: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    candidate = {"content": {"role": "model", "parts": [{"text": "ok"}]}, "finishReason": "STOP"}
    return "generate", {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m"}


# (provider, model, the answer, units of 1e-12 US dollar by kind)
CASES: list[tuple[str, str, tuple[str, dict[str, Any]], dict[str, int]]] = [
    # Three searches at a cent each, beside the tokens: 1000 x 5, 100 x 30. None is nothing.
    (
        "openai", "gpt-5.5",
        responses({"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100},
                  tool_usage={"web_search": {"num_requests": 3}, "image_gen": {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}}),
        {"input": 5_000_000_000, "output": 3_000_000_000, "web_search": 30_000_000_000},
    ),
    (
        "openai", "gpt-5.5",
        responses({"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100}, tool_usage={"web_search": {"num_requests": 0}}),
        {"input": 5_000_000_000, "output": 3_000_000_000},
    ),
    # gpt-5.5: input 5, cached 0.50, output 30 per million; 3000 x 5 + 7000 x 0.5 + 300 x 30 + 700 x 30 millionths.
    (
        "openai", "gpt-5.5",
        responses({"input_tokens": 10_000, "input_tokens_details": {"cached_tokens": 7000}, "output_tokens": 1000,
                   "output_tokens_details": {"reasoning_tokens": 700}, "total_tokens": 11_000}, service_tier="default"),
        {"input": 15_000_000_000, "cache_read": 3_500_000_000, "output": 9_000_000_000, "reasoning": 21_000_000_000},
    ),
    # The priority tier is told beside the usage: 12.5 and 75.
    (
        "openai", "gpt-5.5", chat({"prompt_tokens": 1000, "completion_tokens": 1000}, service_tier="priority"),
        {"input": 12_500_000_000, "output": 75_000_000_000},
    ),
    (
        "openai", "gpt-5.5", responses({"input_tokens": 1000, "output_tokens": 1000, "total_tokens": 2000}, service_tier="priority"),
        {"input": 12_500_000_000, "output": 75_000_000_000},
    ),
    # Past 272,000 tokens of input all of it is twice as much (10, 1), the output half as much again (45).
    (
        "openai", "gpt-5.5",
        responses({"input_tokens": 300_000, "input_tokens_details": {"cached_tokens": 200_000}, "output_tokens": 2000,
                   "total_tokens": 302_000}),
        {"input": 1_000_000_000_000, "cache_read": 200_000_000_000, "output": 90_000_000_000},
    ),
    # Sonnet 4.5: 3, read 0.30, written 3.75 (for an hour 6), output 15, a search one cent.
    (
        "anthropic", "claude-sonnet-4-5",
        messages({"input_tokens": 5000, "cache_read_input_tokens": 4000, "cache_creation_input_tokens": 3000,
                  "cache_creation": {"ephemeral_5m_input_tokens": 1000, "ephemeral_1h_input_tokens": 2000}, "output_tokens": 500,
                  "server_tool_use": {"web_search_requests": 2}}),
        {"input": 15_000_000_000, "cache_read": 1_200_000_000, "cache_write": 3_750_000_000, "cache_write_1h": 12_000_000_000,
         "output": 7_500_000_000, "web_search": 20_000_000_000},
    ),
    # A batch, as the usage itself says, is half: 2 and 10 at Opus 5.5.
    (
        "anthropic", "claude-opus-5-5", messages({"input_tokens": 10_000, "output_tokens": 1000, "service_tier": "batch"}),
        {"input": 20_000_000_000, "output": 10_000_000_000},
    ),
    # Gemini tells thoughts beside the candidates; past 200,000 tokens 2.50 and 15.
    (
        "google", "gemini-2.5-pro",
        generate({"promptTokenCount": 210_000, "candidatesTokenCount": 1000, "thoughtsTokenCount": 3000, "totalTokenCount": 214_000}),
        {"input": 525_000_000_000, "output": 15_000_000_000, "reasoning": 45_000_000_000},
    ),
    # Sound costs 1.00 where text costs 0.30.
    (
        "google", "gemini-2.5-flash",
        generate({"promptTokenCount": 10_000, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 2000},
                  {"modality": "AUDIO", "tokenCount": 8000}], "candidatesTokenCount": 100, "totalTokenCount": 10_100}),
        {"input": 600_000_000, "input_audio": 8_000_000_000, "output": 250_000_000},
    ),
    # What a router says that it took decides.
    (
        "openrouter", "deepseek/deepseek-r1", chat({"prompt_tokens": 0, "completion_tokens": 0, "cost": 0.00014}),
        {"other": 140_000_000},
    ),
    # With a key of the customer's own: its fee, and what the provider behind takes.
    (
        "openrouter", "deepseek/deepseek-r1",
        chat({"prompt_tokens": 0, "completion_tokens": 0, "cost": 0.01, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.2}}),
        {"other": 210_000_000_000},
    ),
    # xAI tells ticks of 1e-10 dollar: 0.0037756, which is 0.0007244 less than 1000 x 3 and 100 x 15 millionths.
    (
        "xai", "grok-4", chat({"prompt_tokens": 1000, "completion_tokens": 100, "cost_in_usd_ticks": 37_756_000}),
        {"input": 3_000_000_000, "output": 1_500_000_000, "other": -724_400_000},
    ),
    # gpt-5: 1.25, cached 0.125, output 10. 8000 x 1.25, 12000 x 0.125, 288 x 10, 512 x 10.
    (
        "openai", "gpt-5",
        responses({"input_tokens": 20_000, "input_tokens_details": {"cached_tokens": 12_000}, "output_tokens": 800,
                   "output_tokens_details": {"reasoning_tokens": 512}, "total_tokens": 20_800}),
        {"input": 10_000_000_000, "cache_read": 1_500_000_000, "output": 2_880_000_000, "reasoning": 5_120_000_000},
    ),
    # Flex is half: 600 x 0.625, 400 x 0.0625, 100 x 5.
    (
        "openai", "gpt-5",
        chat({"prompt_tokens": 1000, "prompt_tokens_details": {"cached_tokens": 400}, "completion_tokens": 100}, service_tier="flex"),
        {"input": 375_000_000, "cache_read": 25_000_000, "output": 500_000_000},
    ),
    # gpt-5-mini: 0.25 and 2, one token each.
    ("openai", "gpt-5-mini", chat({"prompt_tokens": 1, "completion_tokens": 1}), {"input": 250_000, "output": 2_000_000}),
    # ... with priority 0.45 and 3.60: 1001 x 0.45, 10 x 3.6.
    (
        "openai", "gpt-5-mini", chat({"prompt_tokens": 1001, "completion_tokens": 10}, service_tier="priority"),
        {"input": 450_450_000, "output": 36_000_000},
    ),
    # At 272,000 tokens not yet the long price: 272000 x 5, 1 x 30.
    (
        "openai", "gpt-5.5", responses({"input_tokens": 272_000, "output_tokens": 1, "total_tokens": 272_001}),
        {"input": 1_360_000_000_000, "output": 30_000_000},
    ),
    # One more, and flex: half of 10, 1 and 45. 272000 x 5, 1 x 0.5, 2 x 22.5.
    (
        "openai", "gpt-5.5",
        responses({"input_tokens": 272_001, "input_tokens_details": {"cached_tokens": 1}, "output_tokens": 2, "total_tokens": 272_003},
                  service_tier="flex"),
        {"input": 1_360_000_000_000, "cache_read": 500_000, "output": 45_000_000},
    ),
    # gpt-6.1-sol bills writing: 2, read 0.10, written 2.50, output 10. 10000 x 2, 60000 x 0.1, 30000 x 2.5, 600 x 10, 400 x 10.
    (
        "openai", "gpt-6.1-sol",
        responses({"input_tokens": 100_000, "input_tokens_details": {"cached_tokens": 60_000, "cache_write_tokens": 30_000},
                   "output_tokens": 1000, "output_tokens_details": {"reasoning_tokens": 400}, "total_tokens": 101_000}),
        {"input": 20_000_000_000, "cache_read": 6_000_000_000, "cache_write": 75_000_000_000, "output": 6_000_000_000,
         "reasoning": 4_000_000_000},
    ),
    # ... past 272,000: 4, 0.20, 5, 15. 50000 x 4, 300000 x 0.2, 50000 x 5, 1500 x 15, 500 x 15.
    (
        "openai", "gpt-6.1-sol",
        responses({"input_tokens": 400_000, "input_tokens_details": {"cached_tokens": 300_000, "cache_write_tokens": 50_000},
                   "output_tokens": 2000, "output_tokens_details": {"reasoning_tokens": 500}, "total_tokens": 402_000}),
        {"input": 200_000_000_000, "cache_read": 60_000_000_000, "cache_write": 250_000_000_000, "output": 22_500_000_000,
         "reasoning": 7_500_000_000},
    ),
    # gpt-6-sol, flex: 1, 0.10, 1.25, 5. 1000 x 1, 4000 x 0.1, 5000 x 1.25, 100 x 5.
    (
        "openai", "gpt-6-sol",
        responses({"input_tokens": 10_000, "input_tokens_details": {"cached_tokens": 4000, "cache_write_tokens": 5000},
                   "output_tokens": 100, "total_tokens": 10_100}, service_tier="flex"),
        {"input": 1_000_000_000, "cache_read": 400_000_000, "cache_write": 6_250_000_000, "output": 500_000_000},
    ),
    # o3 since its price fell: 2, 0.50, 8. 500 x 2, 500 x 0.5, 36 x 8, 64 x 8.
    (
        "openai", "o3",
        chat({"prompt_tokens": 1000, "prompt_tokens_details": {"cached_tokens": 500}, "completion_tokens": 100,
              "completion_tokens_details": {"reasoning_tokens": 64}}),
        {"input": 1_000_000_000, "cache_read": 250_000_000, "output": 288_000_000, "reasoning": 512_000_000},
    ),
    # gpt-4.1: a million tokens and no step. 1 x 2, 1047575 x 0.5.
    (
        "openai", "gpt-4.1",
        chat({"prompt_tokens": 1_047_576, "prompt_tokens_details": {"cached_tokens": 1_047_575}, "completion_tokens": 0}),
        {"input": 2_000_000, "cache_read": 523_787_500_000},
    ),
    # Sound: text 4 and 16, sound 32 and 64. 200 x 4, 800 x 32, 100 x 16, 400 x 64.
    (
        "openai", "gpt-realtime",
        chat({"prompt_tokens": 1000, "prompt_tokens_details": {"text_tokens": 200, "audio_tokens": 800}, "completion_tokens": 500,
              "completion_tokens_details": {"audio_tokens": 400}}),
        {"input": 800_000_000, "input_audio": 25_600_000_000, "output": 1_600_000_000, "output_audio": 25_600_000_000},
    ),
    # Pictures given: text 5, pictures 10, what is made 40. 200 x 5, 800 x 10, 4160 x 40.
    (
        "openai", "gpt-image-1",
        responses({"input_tokens": 1000, "input_tokens_details": {"text_tokens": 200, "image_tokens": 800}, "output_tokens": 4160,
                   "total_tokens": 5160}),
        {"input": 1_000_000_000, "input_image": 8_000_000_000, "output": 166_400_000_000},
    ),
    # Haiku 4.5: 1, read 0.10, written 1.25 for five minutes, 2 for an hour, output 5. 10 x 1, 20000 x 0.1, 5000 x 1.25, 300 x 5.
    (
        "anthropic", "claude-haiku-4-5",
        messages({"input_tokens": 10, "cache_read_input_tokens": 20_000, "cache_creation_input_tokens": 5000,
                  "cache_creation": {"ephemeral_5m_input_tokens": 5000, "ephemeral_1h_input_tokens": 0}, "output_tokens": 300}),
        {"input": 10_000_000, "cache_read": 2_000_000_000, "cache_write": 6_250_000_000, "output": 1_500_000_000},
    ),
    # ... all of it for an hour: 5000 x 2.
    (
        "anthropic", "claude-haiku-4-5",
        messages({"input_tokens": 10, "cache_creation_input_tokens": 5000,
                  "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 5000}, "output_tokens": 300}),
        {"input": 10_000_000, "cache_write_1h": 10_000_000_000, "output": 1_500_000_000},
    ),
    # ... of a server that tells no lifetimes, it was five minutes.
    (
        "anthropic", "claude-haiku-4-5", messages({"input_tokens": 10, "cache_creation_input_tokens": 400, "output_tokens": 1}),
        {"input": 10_000_000, "cache_write": 500_000_000, "output": 5_000_000},
    ),
    # A batch of Opus 5.5 with both caches, half of 4, 0.20, 5, 8, 20: 1000 x 2, 2000 x 0.1, 1000 x 2.5, 2000 x 4, 100 x 10.
    (
        "anthropic", "claude-opus-5-5",
        messages({"input_tokens": 1000, "cache_read_input_tokens": 2000, "cache_creation_input_tokens": 3000,
                  "cache_creation": {"ephemeral_5m_input_tokens": 1000, "ephemeral_1h_input_tokens": 2000}, "output_tokens": 100,
                  "service_tier": "batch"}),
        {"input": 2_000_000_000, "cache_read": 200_000_000, "cache_write": 2_500_000_000, "cache_write_1h": 8_000_000_000,
         "output": 1_000_000_000},
    ),
    # Its fast mode is twice as much: 100 x 8, 50 x 16, 10 x 40.
    (
        "anthropic", "claude-opus-5-5",
        messages({"input_tokens": 100, "cache_creation_input_tokens": 50, "cache_creation": {"ephemeral_1h_input_tokens": 50},
                  "output_tokens": 10, "speed": "fast"}),
        {"input": 800_000_000, "cache_write_1h": 800_000_000, "output": 400_000_000},
    ),
    # Sonnet 4.5 at 200,000, what was read and written among it: 150000 x 0.3, 50000 x 3.75, 1 x 15.
    (
        "anthropic", "claude-sonnet-4-5",
        messages({"input_tokens": 0, "cache_read_input_tokens": 150_000, "cache_creation_input_tokens": 50_000, "output_tokens": 1}),
        {"cache_read": 45_000_000_000, "cache_write": 187_500_000_000, "output": 15_000_000},
    ),
    # One token more, and written for an hour: 1 x 6, 150000 x 0.6, 50000 x 12, 1000 x 22.5.
    (
        "anthropic", "claude-sonnet-4-5",
        messages({"input_tokens": 1, "cache_read_input_tokens": 150_000, "cache_creation_input_tokens": 50_000,
                  "cache_creation": {"ephemeral_1h_input_tokens": 50_000}, "output_tokens": 1000}),
        {"input": 6_000_000, "cache_read": 90_000_000_000, "cache_write_1h": 600_000_000_000, "output": 22_500_000_000},
    ),
    # Sonnet 4.6 has had no step since March 2026: 500000 x 3, 10 x 15.
    (
        "anthropic", "claude-sonnet-4-6", messages({"input_tokens": 500_000, "output_tokens": 10}),
        {"input": 1_500_000_000_000, "output": 150_000_000},
    ),
    # Ten searches, a cent each: 1000 x 3, 100 x 15.
    (
        "anthropic", "claude-sonnet-4-6",
        messages({"input_tokens": 1000, "output_tokens": 100, "server_tool_use": {"web_search_requests": 10}}),
        {"input": 3_000_000_000, "output": 1_500_000_000, "web_search": 100_000_000_000},
    ),
    # Gemini 2.5 Pro: 1.25, cached 0.125, output 10, thoughts beside the candidates. 4000 x 1.25, 6000 x 0.125, 100 x 10, 900 x 10.
    (
        "google", "gemini-2.5-pro",
        generate({"promptTokenCount": 10_000, "cachedContentTokenCount": 6000, "candidatesTokenCount": 100, "thoughtsTokenCount": 900,
                  "totalTokenCount": 11_000}),
        {"input": 5_000_000_000, "cache_read": 750_000_000, "output": 1_000_000_000, "reasoning": 9_000_000_000},
    ),
    # ... at 200,000 tokens: 200000 x 1.25, 1 x 10.
    (
        "google", "gemini-2.5-pro", generate({"promptTokenCount": 200_000, "candidatesTokenCount": 1, "totalTokenCount": 200_001}),
        {"input": 250_000_000_000, "output": 10_000_000},
    ),
    # ... past them, nearly all of it cached: 1 x 2.5, 200000 x 0.25, 1 x 15.
    (
        "google", "gemini-2.5-pro",
        generate({"promptTokenCount": 200_001, "cachedContentTokenCount": 200_000, "candidatesTokenCount": 1, "totalTokenCount": 200_002}),
        {"input": 2_500_000, "cache_read": 50_000_000_000, "output": 15_000_000},
    ),
    # Sound, half of it cached, at 2.5 Flash: text 0.30 and cached 0.03, sound 1.00 and cached 0.10, output 2.50.
    # 1000 x 0.3, 4000 x 1, 1000 x 0.03, 4000 x 0.1, 100 x 2.5.
    (
        "google", "gemini-2.5-flash",
        generate({"promptTokenCount": 10_000, "cachedContentTokenCount": 5000, "candidatesTokenCount": 100, "totalTokenCount": 10_100,
                  "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 2000}, {"modality": "AUDIO", "tokenCount": 8000}],
                  "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 1000}, {"modality": "AUDIO", "tokenCount": 4000}]}),
        {"input": 300_000_000, "input_audio": 4_000_000_000, "cache_read": 30_000_000, "cache_read_audio": 400_000_000,
         "output": 250_000_000},
    ),
    # A picture made by 2.5 Flash Image is 1290 tokens at 30: 100 x 0.3, 10 x 2.5, 1290 x 30.
    (
        "google", "gemini-2.5-flash-image",
        generate({"promptTokenCount": 100, "candidatesTokenCount": 1300, "totalTokenCount": 1400,
                  "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 10}, {"modality": "IMAGE", "tokenCount": 1290}]}),
        {"input": 30_000_000, "output": 25_000_000, "output_image": 38_700_000_000},
    ),
    # A picture given to 3 Pro Image costs what text does, one made 120, thoughts 12: 560 x 2, 200 x 12, 1120 x 120.
    (
        "google", "gemini-3-pro-image-preview",
        generate({"promptTokenCount": 560, "promptTokensDetails": [{"modality": "IMAGE", "tokenCount": 560}],
                  "candidatesTokenCount": 1120, "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1120}],
                  "thoughtsTokenCount": 200, "totalTokenCount": 1880}),
        {"input_image": 1_120_000_000, "reasoning": 2_400_000_000, "output_image": 134_400_000_000},
    ),
    # Groq: 0.15, cached half of it, 0.60. 1000 x 0.15, 1 x 0.075, 3 x 0.6.
    (
        "groq", "openai/gpt-oss-120b",
        chat({"prompt_tokens": 1001, "prompt_tokens_details": {"cached_tokens": 1}, "completion_tokens": 3}),
        {"input": 150_000_000, "cache_read": 75_000, "output": 1_800_000},
    ),
    # Perplexity takes 1 and 1, and 12 dollars for a thousand requests.
    (
        "perplexity", "sonar", chat({"prompt_tokens": 10, "completion_tokens": 20}),
        {"input": 10_000_000, "output": 20_000_000, "request": 12_000_000_000},
    ),
    # DeepSeek by day: 0.27, cached 0.07, 1.10. 4000 x 0.27, 6000 x 0.07, 1000 x 1.1.
    (
        "deepseek", "deepseek-chat",
        chat({"prompt_tokens": 10_000, "prompt_tokens_details": {"cached_tokens": 6000}, "completion_tokens": 1000}),
        {"input": 1_080_000_000, "cache_read": 420_000_000, "output": 1_100_000_000},
    ),
    # A price of config with a discount of 7 %: 0.093 and 0.279 per million, one token each.
    ("own", "m", chat({"prompt_tokens": 1, "completion_tokens": 1}), {"input": 93_000, "output": 279_000}),
    # 0.0123457 less a third and a bit is 8234.5819 and 24703.7457 units for one and three tokens: to the nearest.
    ("fine", "m", chat({"prompt_tokens": 1, "completion_tokens": 1}), {"input": 8235, "output": 66_700}),
    ("fine", "m", chat({"prompt_tokens": 3, "completion_tokens": 0}), {"input": 24_704}),
    # Halves of a unit go to the even one, so that many of them come out right: 0.5 is none, 1.5 and 2.5 are two.
    ("half", "m", chat({"prompt_tokens": 1, "completion_tokens": 1}), {"output": 1_000_000}),
    ("half", "m", chat({"prompt_tokens": 3, "completion_tokens": 0}), {"input": 2}),
    ("half", "m", chat({"prompt_tokens": 5, "completion_tokens": 0}), {"input": 2}),
    # Steps of config: past 1000 tokens 2, cached 0.2, 4; what the step does not name stays, thoughts at 3. And a batch at 40 % less.
    (
        "steps", "m",
        chat({"prompt_tokens": 1001, "prompt_tokens_details": {"cached_tokens": 1000}, "completion_tokens": 5,
              "completion_tokens_details": {"reasoning_tokens": 4}}),
        {"input": 2_000_000, "cache_read": 200_000_000, "output": 4_000_000, "reasoning": 12_000_000},
    ),
    (
        "steps", "m", messages({"input_tokens": 1000, "output_tokens": 5, "service_tier": "batch"}),
        {"input": 600_000_000, "output": 6_000_000},
    ),
]  # fmt: skip
NIGHT = AT + 11 * 3600
"""22:06 UTC; `AT` is at 11:06."""


def attempt(provider: str, model: str, usage: Usage | None, **more: Any) -> Attempt:
    return Attempt(provider, model, 0.0, connected_s=0.1, first_byte_s=0.2, ended_s=1.0, usage=usage, **more)


def record(name: str, *attempts: Attempt, **more: Any) -> Record:
    last = attempts[-1]
    made = Record(name, AT, client=name, provider=last.provider, model=last.model, status=200, total_s=1.0, usage=last.usage, **more)
    made.attempts = list(attempts)
    sum_up(made)
    return made


def answered(name: str, provider: str, model: str, answer: tuple[str, dict[str, Any]]) -> Record:
    """The record of an exchange in which the provider answered this, as its tap reads it."""
    tap = dialect(answer[0]).tap()
    tap.whole(json.dumps(answer[1]).encode())
    return record(name, attempt(provider, model, tap.usage), tier=tap.tier)


@pytest.fixture
def asking(tmp_path: Path) -> Any:
    """Writes records by a journal of their own, and answers what is asked of them."""

    def write(records: list[Record]) -> Asking:
        url = f"sqlite:///{tmp_path / 'journal.db'}"
        journal = Journal(lambda: open_store(url), Settings(flush_s=0.01, search=False), tmp_path, price=record_price(BOOK))
        for each in records:
            journal.put(each)
        journal.start()
        journal.close_now(30)
        assert journal.stats().written == len(records)
        return Asking(lambda: open_store(url), clock=lambda: AT + 60)

    return write


def test_costs_on_record_are_those_of_the_price_pages(asking: Any) -> None:
    asked = asking([answered(f"case-{n}", *case[:3]) for n, case in enumerate(CASES)])

    told = asyncio.run(asked.usage({"by": "client"}))
    each = {row["client"]: row["cost_pico"] for row in told["usage"]}
    parts = {f"case-{n}": asyncio.run(asked.exchange(f"case-{n}"))["cost_parts"] for n in range(len(CASES))}

    assert parts == {f"case-{n}": case[3] for n, case in enumerate(CASES)}
    assert each == {f"case-{n}": sum(case[3].values()) for n, case in enumerate(CASES)}
    assert told["total"]["cost_pico"] == sum(sum(case[3].values()) for case in CASES)
    assert told["total"]["unpriced"] == 0


def test_price_of_the_night_holds_for_what_began_in_it() -> None:
    usage = {"prompt_tokens": 10_000, "prompt_tokens_details": {"cached_tokens": 6000}, "completion_tokens": 1000}
    made = answered("a", "deepseek", "deepseek-chat", chat(usage))
    made.began_at = NIGHT

    found = record_price(BOOK)(made)

    # 4000 x 0.135, 6000 x 0.035, 1000 x 0.55.
    assert found is not None
    assert to_builtins(found.parts) == {"input": 540_000_000, "cache_read": 210_000_000, "output": 550_000_000}


def test_run_costs_what_the_journal_says_of_its_exchanges() -> None:
    counted, priced = Tally(count=counting(Steps(PRICES))), price_by(BOOK)
    both: list[Record] = []
    for number, case in enumerate(CASES):
        for began_at in (AT, NIGHT):
            made = answered(f"case-{number}", *case[:3])
            made.began_at, made.run, made.session = began_at, "all", f"s-{number}"
            counted.record(made)
            both.append(made)
    expected = [record_price(BOOK)(made) for made in both]

    found = priced(counted.run("all") or {})
    each = [priced(counted.session(f"s-{number}") or {})["cost_usd"] for number in range(len(CASES))]

    picos = [one.pico or 0 for one in expected if one is not None]
    assert (len(picos), found["uncounted"]) == (2 * len(CASES), 0)
    # What the tally adds up is rounded once, at the end, to 1e-8 dollars.
    assert found["cost_usd"] == found["known_cost_usd"] == pytest.approx(sum(picos) / 1e12, abs=1e-8)
    assert each == pytest.approx([sum(picos[2 * n : 2 * n + 2]) / 1e12 for n in range(len(CASES))], abs=1.1e-8)


def test_unknown_price_stays_unknown_and_is_counted(asking: Any) -> None:
    asked = asking([record("a", attempt("own", "m", Usage(1, 1))), record("b", attempt("openai", "never-heard-of", Usage(5, 5)))])

    found = asyncio.run(asked.exchange("b"))
    told = asyncio.run(asked.usage({}))["total"]

    assert (found["cost_pico"], found["attempts"][0]["cost_pico"], found["cost_parts"]) == (None, None, None)
    assert found["warnings"] == [["cost", "no price is known of `openai/never-heard-of` for: input, output"]]
    assert (told["cost_pico"], told["unpriced"]) == (372_000, 1)


def test_both_attempts_of_a_rescued_answer_are_billed_each_by_its_own_price(asking: Any) -> None:
    broken = attempt("openai", "gpt-5.5", Usage(1000, 100), status=200, error="cut")
    asked = asking([record("a", broken, attempt("own", "m", Usage(1100, 200)))])

    found = asyncio.run(asked.exchange("a"))

    # 1000 x 5 + 100 x 30 millionths, and 1100 x 0.093 + 200 x 0.279.
    assert [each["cost_pico"] for each in found["attempts"]] == [8_000_000_000, 158_100_000]
    assert (found["cost_pico"], found["input_tokens"], found["output_tokens"]) == (8_158_100_000, 2100, 300)


def test_attempt_that_broke_off_without_telling_its_tokens_is_told() -> None:
    broken = attempt("openai", "gpt-5.5", None, status=200, error="cut")
    refused = attempt("openai", "gpt-5.5", None, status=429, error="rate_limited")

    found = record_price(BOOK)(record("a", refused, broken, attempt("own", "m", Usage(1, 0))))

    why = (
        "attempt 2 (`openai/gpt-5.5`) had begun to answer when it failed, without telling its tokens: what it is billed is not in the cost"
    )
    assert found == Priced(93_000, {"input": 93_000}, (None, None, 93_000), (("cost", why),))


def test_exchange_that_no_provider_saw_costs_nobody_knows_what() -> None:
    assert record_price(BOOK)(Record("a", AT)) is None
