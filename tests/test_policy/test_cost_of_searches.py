"""What Gemini's own searches cost, against sums worked out by hand from its price page: https://ai.google.dev/gemini-api/docs/pricing"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from dragoman.config.price_schema import ModelPrice
from dragoman.dialects.contract import Quirks
from dragoman.dialects.generate.reader import Reader, read_response
from dragoman.dialects.generate.tap import Tap
from dragoman.dialects.generate.usage import read_usage, write_usage
from dragoman.ir import events as ev
from dragoman.ir.usage import Usage
from dragoman.policy.book import PriceBook
from dragoman.policy.cost import Cost, cost
from dragoman.policy.count import counts, is_plain
from dragoman.wire.frame import Frame

AT = 1_795_000_000.0
COUNTS = {"promptTokenCount": 1000, "candidatesTokenCount": 100, "totalTokenCount": 1100}
WEB = {"webSearchQueries": ["rain in Rome", "", "rain in Rome", "umbrellas"], "groundingChunks": [{"web": {"uri": "https://a.test/"}}]}
MAPS = {"groundingChunks": [{"maps": {"uri": "https://maps.test/", "placeId": "p"}}]}


def chunks(*groundings: dict[str, Any]) -> list[dict[str, Any]]:
    """A reply in pieces; each of these stands in one of its own."""
    said = [{"candidates": [{"content": {"role": "model", "parts": [{"text": "Rain."}]}, "index": 0}], "usageMetadata": COUNTS}] * 2
    found = [{"candidates": [{"groundingMetadata": each, "index": 0}], "usageMetadata": COUNTS} for each in groundings]
    return [*said, *found, {"candidates": [{"finishReason": "STOP", "index": 0}], "usageMetadata": COUNTS}]


def whole(*groundings: dict[str, Any]) -> bytes:
    """The same at once."""
    grounding = {name: [one for each in groundings for one in each.get(name, ())] for name in ("webSearchQueries", "groundingChunks")}
    content = {"role": "model", "parts": [{"text": "Rain."}]}
    found = {"candidates": [{"content": content, "finishReason": "STOP", "groundingMetadata": grounding}], "usageMetadata": COUNTS}
    return json.dumps(found).encode()


def usages(*groundings: dict[str, Any]) -> list[Usage | None]:
    """What is read of it by all who read: relayed and translated, streamed and whole."""
    streamed, at_once, reader = Tap(), Tap(), Reader(Quirks())
    told: list[ev.Event] = []
    for chunk in chunks(*groundings):
        data = json.dumps(chunk).encode()
        streamed.feed(b"data: " + data + b"\r\n\r\n")
        told += reader.feed(Frame(data))
    told += reader.close()
    at_once.whole(whole(*groundings))
    translated = [*told, *read_response(whole(*groundings), Quirks())]
    return [streamed.usage, at_once.usage, *[event.usage for event in translated if isinstance(event, ev.UsageReported)]]


def priced(model: str, usage: Usage, **given: float) -> Cost:
    book = PriceBook({f"g/{model}": ModelPrice(**given)} if given else {}, {"g": "google"})
    return cost(book.price("g", model), counts(usage), AT)


@pytest.mark.parametrize(
    ("model", "groundings", "given", "parts", "unpriced"),
    [
        # Tokens alone: 1000 x 0.50 + 100 x 3.
        ("gemini-3-flash-preview", (), {}, {"input": "0.0005", "output": "0.0003"}, ()),
        # Two queries, for 14 a thousand; what is empty or the same is free.
        ("gemini-3-flash-preview", (WEB,), {}, {"input": "0.0005", "output": "0.0003", "web_search": "0.028"}, ()),
        ("gemini-3-flash-preview", (WEB, {"webSearchQueries": ["boots", "umbrellas"]}), {},
         {"input": "0.0005", "output": "0.0003", "web_search": "0.042"}, ()),
        # Before Gemini 3 the request, for 35 a thousand: 1000 x 0.30 + 100 x 2.50.
        ("gemini-2.5-flash", (WEB,), {}, {"input": "0.0003", "output": "0.00025", "searched_request": "0.035"}, ()),
        # A price that config gives is that of each query.
        ("gemini-2.5-flash", (WEB,), {"web_search": 0.01}, {"input": "0.0003", "output": "0.00025", "web_search": "0.02"}, ()),
        # Of what maps cost the list knows nothing, and config what it is told.
        ("gemini-2.5-flash", (MAPS,), {}, {"input": "0.0003", "output": "0.00025"}, ("maps",)),
        ("gemini-2.5-flash", (MAPS,), {"maps": 0.025}, {"input": "0.0003", "output": "0.00025", "maps": "0.025"}, ()),
        # A model without a price of searches.
        ("gemma-3", (WEB,), {"input": 1.0, "output": 1.0}, {"input": "0.001", "output": "0.0001"}, ("web_search",)),
    ],
)  # fmt: skip
def test_searches_cost_what_the_price_page_says(
    model: str, groundings: tuple[dict[str, Any], ...], given: dict[str, float], parts: dict[str, str], unpriced: tuple[str, ...]
) -> None:
    found = usages(*groundings)

    assert len(found) == 4
    for usage in found:
        assert usage is not None
        assert priced(model, usage, **given) == Cost({unit: Decimal(usd) for unit, usd in parts.items()}, unpriced)
        assert is_plain(usage) is (not groundings)


def test_an_answer_from_pages_whose_searches_are_not_told_took_one() -> None:
    (streamed, *_) = usages({"groundingChunks": WEB["groundingChunks"]})

    assert streamed is not None
    assert priced("gemini-3-flash-preview", streamed).parts["web_search"] == Decimal("0.014")


def test_searches_are_not_told_to_clients_as_counts_of_the_api() -> None:
    for usage in usages(WEB, MAPS):
        assert usage is not None
        assert write_usage(usage) == COUNTS


def test_counts_stay_what_they_were_where_nothing_was_searched() -> None:
    plain = read_usage(COUNTS)

    assert usages({"searchEntryPoint": {}}) == [plain] * 4
    assert msgspec.structs.asdict(plain)["extra"] is None
