"""What the journal writes down of costs, from answers as providers send them to the sums that are asked for: against sums worked out by
hand from the providers' price pages."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from dragoman.app.asking import Asking
from dragoman.app.pricing import record_price
from dragoman.config.journal_schema import Journal as Settings
from dragoman.config.price_schema import ModelPrice
from dragoman.dialects.registry import dialect
from dragoman.ir.record import Attempt, Record, sum_up
from dragoman.ir.usage import Usage
from dragoman.observe.journal import Journal
from dragoman.observe.journal_rows import Priced
from dragoman.policy.book import PriceBook
from dragoman.store.open import open_store

AT = 1_795_000_000.0
"""November 2026."""
LISTS = {"openai": "openai", "anthropic": "anthropic", "google": "google", "openrouter": "openrouter", "own": None}
BOOK = PriceBook({"own/*": ModelPrice(input=0.1, output=0.3, discount=0.07)}, LISTS)


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
    # A price of config with a discount of 7 %: 0.093 and 0.279 per million, one token each.
    ("own", "m", chat({"prompt_tokens": 1, "completion_tokens": 1}), {"input": 93_000, "output": 279_000}),
]  # fmt: skip


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
