"""Models that bind thoughts to their conversation are asked to leave out those that no longer fit it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.dialects.contract import Call, Quirks
from dragoman.dialects.registry import dialect
from dragoman.ir.request import Message, ReasoningWish, Request, Text

MESSAGES = dialect("messages")
BINDING = {"prefix_mismatch_behavior": "drop_block"}
BETA = (("anthropic-beta", "thinking-binding-controls-2026-08-01"),)


@pytest.mark.parametrize(
    ("wish", "off", "thinking", "headers"),
    [
        (None, "omitted", {"type": "adaptive", "block_binding": BINDING}, BETA),
        (ReasoningWish("high"), "omitted", {"type": "adaptive", "display": "summarized", "block_binding": BINDING}, BETA),
        (ReasoningWish("high", "none"), "omitted", {"type": "adaptive", "block_binding": BINDING}, BETA),
        (ReasoningWish("none"), "between_tools", {"type": "between_tools", "block_binding": BINDING}, BETA),
        (ReasoningWish("none"), "disabled", {"type": "disabled"}, ()),
    ],
)
def test_thoughts_that_no_longer_fit_are_to_be_left_out(wish: ReasoningWish | None, off: Any, thinking: Any, headers: Any) -> None:
    request = Request("claude-opus-5-5", (Message("user", (Text("hi"),)),), reasoning=wish, max_tokens=100)

    call, _ = MESSAGES.write_request(request, Quirks(thinking="adaptive", thinking_off=off, binds_thoughts=True))

    assert (json.loads(call.body)["thinking"], call.headers) == (thinking, headers)


def test_a_client_of_the_api_says_itself_what_it_wants() -> None:
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    request = MESSAGES.read_request(Call("/messages", json.dumps(body).encode()))

    call, _ = MESSAGES.write_request(request, Quirks(binds_thoughts=True))

    assert (json.loads(call.body), call.headers) == (body, ())
