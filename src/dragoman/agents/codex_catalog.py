"""Codex's catalogue of models (`GET …/models?client_version=…`): entries for the gateway's names, made from Codex's own.

Measured with Codex 0.169.0. It merges what it is given into the catalogue that its binary has, entry by entry, and an entry brings
instructions and tools along: one for `gpt-5.5` would swap 21 KB of instructions. So there is never an entry for a name that Codex
knows, and the others are copies of Codex's own entries, which the launcher has asked the installed Codex for (`codex debug models`)
and told the gateway, for its run alone. Where nobody has told them there is no catalogue: the usual list is harmless to Codex.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import msgspec

from dragoman.agents.contract import Offer, Offers
from dragoman.wire.not_json import NOT_JSON

_MOST_ASKED = 16
_LEAST_WINDOW = 32_000
"""Codex begins with 12,000 tokens. In a window that is hardly larger it compacts without end, where the provider would refuse once."""
_IDENTITY = re.compile(r"(?<=You are Codex, )(an? (?:\w+ )?agent) based on \w+(?:[-.]\w+)*")
_DEFAULTS = ("medium", "high", "low", "minimal")
_DESCRIPTIONS = {
    "none": "Answers without thinking first",
    "minimal": "Thinks as little as possible",
    "low": "Fast responses with lighter reasoning",
    "medium": "Balances speed and reasoning depth for everyday tasks",
    "high": "Greater reasoning depth for complex problems",
    "xhigh": "Extra high reasoning depth for complex problems",
    "max": "Maximum reasoning depth for the hardest problems",
}
_PLAIN: dict[str, Any] = {
    # Plain function tools and freeform apply_patch: models of other makers have not learnt to work by one tool that takes
    # JavaScript, nor to look for deferred tools, so all tools stand in the request.
    "use_responses_lite": False,
    "supports_search_tool": False,
    "experimental_supported_tools": [],
    "supports_reasoning_effort_updates": False,
    "supports_experimental_context": False,
    "default_reasoning_summary": "auto",
}
_NOT_PLAIN = frozenset({"tool_mode", "multi_agent_version", "model_specialty"})
_OURS: dict[str, Any] = {
    # OpenAI's offers and news do not hold for what the gateway offers.
    "visibility": "list",
    "supported_in_api": True,
    "upgrade": None,
    "availability_nux": None,
    "additional_speed_tiers": [],
    "service_tiers": [],
}

Entry = dict[str, Any]


class Own(msgspec.Struct, frozen=True):
    """What the launcher tells of the Codex that it starts: the entries that it has, and model names that it is asked to use."""

    models: list[Entry]
    asked: list[str] = []


def write_models(query: str, offers: Offers, own: bytes | None) -> bytes | None:
    """The catalogue, or None: it was not Codex that asked, or nobody told what the installed Codex has."""
    told = _read(own) if "client_version" in parse_qs(query) else None
    known = {entry["slug"]: entry for entry in told.models if isinstance(entry.get("slug"), str)} if told else {}
    template = _plain_template(known)
    if told is None or template is None:
        return None
    plain = _made_plain(template)
    after = max((_priority(entry) for entry in known.values()), default=0) + 1
    new = [offer for offer in offers(told.asked[:_MOST_ASKED]) if offer.name not in known]
    return msgspec.json.encode({"models": [_entry(offer, known, plain) | {"priority": after + at} for at, offer in enumerate(new)]})


def _read(own: bytes | None) -> Own | None:
    try:
        return None if own is None else msgspec.json.decode(own, type=Own)
    except NOT_JSON:
        return None


def _plain_template(known: Mapping[str, Entry]) -> Entry | None:
    """The best entry that works with plain tools as it stands; where there is none, the best one, made plain."""
    shown = [entry for entry in known.values() if entry.get("visibility") == "list" and entry.get("base_instructions")]
    plain = [entry for entry in shown if not entry.get("use_responses_lite") and not entry.get("tool_mode")]
    return min(plain or shown, key=_priority, default=None)


def _priority(entry: Entry) -> int:
    value = entry.get("priority")
    return value if isinstance(value, int) else 0


def _made_plain(template: Entry) -> Entry:
    """The entry for models that Codex does not know: plain tools, and no claim of who it is."""
    return {name: _without_identity(value) for name, value in template.items() if name not in _NOT_PLAIN} | _PLAIN


def _entry(offer: Offer, known: Mapping[str, Entry], plain: Entry) -> Entry:
    """A model that Codex knows under another name keeps everything that Codex knows of it."""
    same = known.get(offer.model or "")
    entry = _other(offer, plain) if same is None else dict(same)
    entry |= {**_OURS, "slug": offer.name, "display_name": offer.name, "description": _described(offer, same)}
    if offer.window is not None and offer.window >= _LEAST_WINDOW and (same is None or offer.window_chosen):
        entry |= {"context_window": offer.window, "max_context_window": offer.window}
    return entry


def _other(offer: Offer, plain: Entry) -> Entry:
    """An entry for a model that Codex does not know, by what it can take."""
    entry = dict(plain)
    entry["input_modalities"] = ["text", "image"] if offer.images else ["text"]
    entry["supports_image_detail_original"] = False
    if not offer.verbosity:
        entry |= {"support_verbosity": False, "default_verbosity": None}
    return entry | _reasoning(offer.efforts, plain)


def _reasoning(efforts: tuple[str, ...] | None, plain: Entry) -> Entry:
    """The efforts that may be chosen. Where they are unknown all may be, but none is sent unless somebody chooses it."""
    if efforts is None:
        return {"default_reasoning_level": None}
    usual: list[Entry] = plain.get("supported_reasoning_levels") or []
    told = _DESCRIPTIONS | {level["effort"]: level["description"] for level in usual if {"effort", "description"} <= level.keys()}
    levels = [{"effort": effort, "description": told.get(effort, effort)} for effort in efforts]
    return {
        "supported_reasoning_levels": levels,
        "default_reasoning_level": next((effort for effort in _DEFAULTS if effort in efforts), None),
    }


def _without_identity(value: Any) -> Any:
    """`You are Codex, a coding agent based on GPT-5.` is not true of another model."""
    if isinstance(value, str):
        return _IDENTITY.sub(r"\1", value)
    if isinstance(value, dict):
        return {name: _without_identity(inner) for name, inner in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [_without_identity(inner) for inner in value]  # pyright: ignore[reportUnknownVariableType]
    return value


def _described(offer: Offer, same: Entry | None) -> str:
    said = offer.description or (f"{offer.model}, through the gateway" if offer.model else "One of several models, through the gateway")
    if offer.window is not None and offer.window < _LEAST_WINDOW:
        return f"{said}; its context window of {offer.window:,} tokens is too small for Codex"
    known = same is not None or offer.window is not None
    return said if known else f"{said}; its context window is not known (say it in `models`: `context_window`)"
