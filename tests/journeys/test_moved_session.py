"""A session whose target fails goes on elsewhere: sealed thoughts go only to the account that can open them, and no turn is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openai
import pytest
from machine import requests, ruled
from parts import gateway, simulator

pytestmark = pytest.mark.journey

TURNS = 6
BREAKS = 3
"""The turn from which on the first account's key is limited."""
LIMITED = {"error": "rate_limit", "headers": {"retry-after": "600", "retry-after-ms": "600000"}}
SCRIPT = ruled(
    *({"match": {"key": "sk-one", "turn": turn}, "fault": LIMITED} for turn in range(BREAKS, TURNS + 1)),
    {"reply": [{"reasoning": "hm"}, {"text": "fine {{turn}}"}]},
    accounts={"sk-one": "one", "sk-two": "two"},
)


def config(upstream: str, ways: str) -> dict[str, Any]:
    """Two keys of one provider, or two providers with a key each."""
    own = {"kind": "openai", "base_url": f"{upstream}/v1", "list": False}
    if ways == "keys":
        return {"providers": {"up": {**own, "keys": [{"key": "sk-one", "weight": 100_000}, "sk-two"]}}, "models": {"*": "up/gpt-5.5"}}
    providers = {name: {**own, "keys": [f"sk-{name}"]} for name in ("one", "two")}
    return {"providers": providers, "models": {"*": {"targets": ["one/gpt-5.5", "two/gpt-5.5"], "strategy": "priority"}}}


class Talk:
    """A client that keeps its conversation itself and sends everything back, sealed thoughts among it."""

    def __init__(self, address: str, session: str = "s-1") -> None:
        self._client = openai.OpenAI(base_url=f"{address}/openai/v1", api_key="any", max_retries=0, default_headers={"session-id": session})
        self.items: list[Any] = []

    def says(self, text: str) -> str:
        self.items.append({"role": "user", "content": text})
        answer = self._client.responses.create(
            model="any", input=self.items, store=False, include=["reasoning.encrypted_content"], prompt_cache_key="s-1"
        )
        self.items += [item.model_dump(exclude_none=True, exclude={"status"}) for item in answer.output]
        return answer.output_text


def seen(upstream: str) -> list[tuple[str, str, int]]:
    """(key, what was paid for, sealed thoughts in it) of each request."""
    return [
        (one["key"], one["billed"], sum(item.get("type") == "reasoning" for item in one["body"]["input"])) for one in requests(upstream)
    ]


@pytest.mark.parametrize("ways", ["keys", "providers"])
def test_session_that_moves_takes_only_the_thoughts_that_its_new_account_can_read(tmp_path: Path, ways: str) -> None:
    with simulator(SCRIPT) as upstream:
        with gateway(tmp_path, config(upstream, ways)) as address:
            talk = Talk(address)

            told = [talk.says(f"turn {turn}") for turn in range(1, TURNS + 1)]

        assert told == [f"fine {turn}" for turn in range(1, TURNS + 1)]
        assert seen(upstream) == [
            ("sk-one", "whole", 0),
            ("sk-one", "whole", 1),
            ("sk-one", "", 2),
            *(("sk-two", "whole", number) for number in range(TURNS - BREAKS + 1)),
        ]


@pytest.mark.parametrize("ways", ["keys", "providers"])
def test_thoughts_that_are_refused_are_left_out_once_and_not_sent_again(tmp_path: Path, ways: str) -> None:
    with simulator(SCRIPT) as upstream:
        with gateway(tmp_path, config(upstream, ways)) as address:
            talk = Talk(address)
            for turn in range(1, BREAKS):
                talk.says(f"turn {turn}")
        again = tmp_path / "again"
        again.mkdir()
        with gateway(again, config(upstream, ways)) as address:
            # A gateway that knows nothing of the session, whose first account is limited from now on.
            later = Talk(address)
            later.items = talk.items

            told = [later.says(f"turn {turn}") for turn in range(BREAKS, TURNS + 1)]

        assert told == [f"fine {turn}" for turn in range(BREAKS, TURNS + 1)]
        refused = [one["key"] for one in requests(upstream) if one["violations"]]
        assert len(refused) <= 1
        assert seen(upstream)[-1] == ("sk-two", "whole", TURNS - BREAKS)


def test_a_lone_target_that_refuses_thoughts_answers_without_them(tmp_path: Path) -> None:
    with simulator(SCRIPT) as upstream:
        own = {"kind": "openai", "base_url": f"{upstream}/v1", "list": False}
        with gateway(tmp_path, {"providers": {"up": {**own, "keys": ["sk-one"]}}}) as address:
            talk = Talk(address)
            talk.says("turn 1")
        other = tmp_path / "other"
        other.mkdir()
        with gateway(other, {"providers": {"up": {**own, "keys": ["sk-two"]}}}) as address:
            later = Talk(address)
            later.items = talk.items

            assert [later.says(f"turn {turn}") for turn in (2, 3, 4)] == ["fine 2", "fine 3", "fine 4"]

        assert seen(upstream) == [
            ("sk-one", "whole", 0),
            ("sk-two", "", 1),
            # Once is enough: what was refused stays behind from then on, and its own thoughts go back.
            *(("sk-two", "whole", number) for number in range(3)),
        ]
