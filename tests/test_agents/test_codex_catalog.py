"""Codex's catalogue: what it knows stays as it is, and what it does not know is told by the facts of the gateway."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from dragoman.agents.codex_catalog import write_models
from dragoman.agents.contract import Offer
from dragoman.agents.registry import agents, recognise

QUERY = "client_version=0.169.0"
LEVELS = [{"effort": "low", "description": "Little"}, {"effort": "medium", "description": "Some"}]


def own_entry(slug: str, priority: int, **fields: Any) -> dict[str, Any]:
    return {
        "slug": slug,
        "display_name": slug.upper(),
        "description": "Of the binary.",
        "priority": priority,
        "visibility": "list",
        "supported_reasoning_levels": LEVELS,
        "default_reasoning_level": "low",
        "base_instructions": f"You are Codex, a coding agent based on GPT-5. Text of {slug}.",
        "model_messages": {"instructions_template": "You are Codex, an agent based on GPT-5.5. {{ personality }}", "approvals": None},
        "apply_patch_tool_type": "freeform",
        "support_verbosity": True,
        "default_verbosity": "low",
        "context_window": 272_000,
        "max_context_window": 272_000,
        "supports_search_tool": True,
        "upgrade": {"model": "newer"},
        "service_tiers": [{"id": "priority"}],
        **fields,
    }


CODE_MODE = own_entry("best-1", 1, use_responses_lite=True, tool_mode="code_mode_only", multi_agent_version="v2")
PLAIN = own_entry("plain-1", 5, use_responses_lite=False)
HIDDEN = own_entry("hidden-1", 2, visibility="hide")


def told(*entries: dict[str, Any], asked: Sequence[str] = ()) -> bytes:
    return json.dumps({"models": entries or (CODE_MODE, HIDDEN, PLAIN), "asked": asked}).encode()


def written(*offers: Offer, own: bytes | None = None) -> list[dict[str, Any]]:
    body = write_models(QUERY, lambda names: offers, told() if own is None else own)
    assert body is not None
    return json.loads(body)["models"]


def test_model_that_codex_knows_gets_no_entry() -> None:
    assert written(Offer("plain-1", "plain-1", window=1), Offer("hidden-1", "hidden-1"), Offer("best-1", "other")) == []


def test_model_of_another_maker_gets_the_best_plain_entry_with_its_own_facts() -> None:
    offer = Offer("ada", "ada-2", description="The fast one", window=200_000, efforts=("low", "high"), images=False)

    assert written(offer) == [
        {
            "slug": "ada",
            "display_name": "ada",
            "description": "The fast one",
            "priority": 6,
            "visibility": "list",
            "supported_in_api": True,
            "supported_reasoning_levels": [
                {"effort": "low", "description": "Little"},
                {"effort": "high", "description": "Greater reasoning depth for complex problems"},
            ],
            "default_reasoning_level": "high",
            "default_reasoning_summary": "auto",
            "base_instructions": "You are Codex, a coding agent. Text of plain-1.",
            "model_messages": {"instructions_template": "You are Codex, an agent. {{ personality }}", "approvals": None},
            "apply_patch_tool_type": "freeform",
            "support_verbosity": False,
            "default_verbosity": None,
            "context_window": 200_000,
            "max_context_window": 200_000,
            "supports_search_tool": False,
            "use_responses_lite": False,
            "experimental_supported_tools": [],
            "supports_reasoning_effort_updates": False,
            "supports_experimental_context": False,
            "supports_image_detail_original": False,
            "input_modalities": ["text"],
            "upgrade": None,
            "availability_nux": None,
            "service_tiers": [],
            "additional_speed_tiers": [],
        }
    ]


def test_other_name_for_a_model_that_codex_knows_keeps_all_that_it_knows() -> None:
    (entry,) = written(Offer("work", "best-1", description="For work", window=1_000_000, efforts=("max",), images=False))

    assert entry == CODE_MODE | {
        "slug": "work",
        "display_name": "work",
        "description": "For work",
        "priority": 6,
        "supported_in_api": True,
        "upgrade": None,
        "availability_nux": None,
        "service_tiers": [],
        "additional_speed_tiers": [],
    }


def test_window_that_config_chose_counts_for_a_known_model_too() -> None:
    (entry,) = written(Offer("work", "best-1", window=50_000, window_chosen=True))

    assert (entry["context_window"], entry["max_context_window"]) == (50_000, 50_000)


def test_window_too_small_for_codex_is_told_in_words_and_starts_no_endless_compaction() -> None:
    (entry,) = written(Offer("tiny", "tiny", window=8_192, window_chosen=True))

    assert (entry["context_window"], entry["max_context_window"]) == (272_000, 272_000)
    assert entry["description"] == "tiny, through the gateway; its context window of 8,192 tokens is too small for Codex"


def test_unknown_facts_leave_the_usual_and_send_no_effort_unasked() -> None:
    (entry,) = written(Offer("mystery", "mystery"))

    assert (entry["context_window"], entry["supported_reasoning_levels"], entry["default_reasoning_level"]) == (272_000, LEVELS, None)
    assert "window is not known" in entry["description"]


def test_model_without_efforts_offers_none() -> None:
    (entry,) = written(Offer("still", "still", efforts=()))

    assert (entry["supported_reasoning_levels"], entry["default_reasoning_level"]) == ([], None)


def test_code_mode_is_taken_out_where_codex_has_no_plain_entry() -> None:
    (entry,) = written(Offer("ada", "ada"), own=told(CODE_MODE))

    assert entry["use_responses_lite"] is False
    assert {"tool_mode", "multi_agent_version"} & entry.keys() == set()


def test_entries_stand_after_codexs_own_in_the_order_of_the_offers() -> None:
    assert [(entry["slug"], entry["priority"]) for entry in written(Offer("b"), Offer("plain-1"), Offer("a"))] == [("b", 6), ("a", 7)]


def test_gateway_is_asked_for_the_names_of_the_run_too() -> None:
    heard: list[Sequence[str]] = []

    def offers(names: Sequence[str]) -> Sequence[Offer]:
        heard.append(names)
        return ()

    write_models(QUERY, offers, told(PLAIN, asked=[f"m{number}" for number in range(50)]))

    assert heard == [[f"m{number}" for number in range(16)]]


@pytest.mark.parametrize(
    ("query", "own"),
    [
        ("", told()),
        ("client_versions=1", told()),
        (QUERY, None),
        (QUERY, b"{}"),
        (QUERY, b"no json"),
        (QUERY, b'{"models":[]}'),
        (QUERY, b'{"models":[{"slug":7,"visibility":"list","base_instructions":"x"}]}'),
        (QUERY, b'{"models":[{"slug":"x"}]}'),
    ],
)
def test_without_codex_or_its_own_entries_there_is_no_catalogue(query: str, own: bytes | None) -> None:
    assert write_models(query, lambda names: (Offer("ada"),), own) is None


def test_codex_alone_has_a_list_of_its_own_shape() -> None:
    codex = recognise({"originator": "codex_exec"})
    others = [agent for agent in agents() if agent is not codex]

    assert codex.write_models(QUERY, lambda names: (), told()) == b'{"models":[]}'
    assert [agent.write_models(QUERY, lambda names: (), told()) for agent in others] == [None] * len(others)
