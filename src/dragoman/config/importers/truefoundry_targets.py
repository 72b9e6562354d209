"""The targets of a rule or a virtual model of TrueFoundry."""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.config.importers.draft import Draft, Given, whole
from dragoman.config.importers.truefoundry_accounts import Accounts

RETRY_REMARK = "TrueFoundry counted retries for each target; these are the tries of an exchange in all"
_PASSING = frozenset({401, 402, 403, 404, 408, 409, 425, 429, 500, 502, 503, 504, 529})
"""Statuses after which the next target is tried in any case."""
_REMEDIES: dict[str, str] = {
    "prompt_version_fqn": "there are no stored prompts",
}
_OWN_PARAMS = ("model", "stream", "messages", "input", "prompt_version_fqn")


class Chosen(msgspec.Struct):
    """targets: among which the strategy chooses. spares: those of weight 0, which are asked only where the others fail."""

    targets: list[Any]
    spares: list[str]


class Retries:
    """The most tries and waits that any target had; ours is one setting."""

    def __init__(self) -> None:
        self.found: dict[str, float] = {}

    def read(self, given: Given) -> None:
        """What a target's retry_config says."""
        attempts, delay = given.number("attempts"), given.number("delay")
        told = {"attempts": attempts and int(attempts) + 1, "backoff_s": delay and delay / 1000}
        self.found |= {name: max(value, self.found.get(name, 0)) for name, value in told.items() if value}
        given.rest({}, ("on_status_codes",))

    def at_least(self, attempts: int) -> None:
        """Each target of a chain is to have its turn."""
        if self.found and self.found.get("attempts", 0) < attempts:
            self.found["attempts"] = attempts


def read_targets(given: Given, strategy: str, draft: Draft, accounts: Accounts, retries: Retries) -> Chosen:
    """The field `load_balance_targets` of a rule or of a virtual model's routing_config."""
    entries = given.each("load_balance_targets")
    shares = [entry.number("weight") for entry in entries]
    places = [entry.number("priority") for entry in entries]
    lowest = min((place for place in places if place is not None), default=0)
    weights = whole(1 if share is None or strategy != "weighted" else share for share in shares)
    chosen = Chosen([], [])
    for entry, weight, place in zip(entries, weights, places, strict=True):
        target = _read(entry, draft, accounts, retries)
        if target is None:
            continue
        if not weight:
            chosen.spares.append(target["model"])
            continue
        if strategy == "priority":
            # Theirs begin at 0, ours at 1.
            target["priority"] = int((place if place is not None else lowest) - lowest) + 1
        elif len(set(weights) - {0}) > 1:
            target["weight"] = weight
        order = ("model", "weight", "priority")
        target = {**{name: target[name] for name in order if name in target}, **target}
        chosen.targets.append(target["model"] if target.keys() == {"model"} else target)
    if not chosen.targets and chosen.spares:
        chosen.targets, chosen.spares = [chosen.spares[0]], chosen.spares[1:]
    retries.at_least(len(chosen.targets) + len(chosen.spares))
    return chosen


def _read(given: Given, draft: Draft, accounts: Accounts, retries: Retries) -> dict[str, Any] | None:
    name = given.take("target")
    if not isinstance(name, str):
        draft.note(given.at("target"), "is missing", "it was left out")
        return None
    retries.read(given.within("retry_config"))
    if given.take("fallback_candidate") is False:
        draft.note(given.at("fallback_candidate"), "keeps it from being asked where others fail, which nothing does here", "leave it out")
    params = given.within("override_params")
    cutoff = given.within("sla_cutoff")
    timeout, first = given.number("timeout_ms"), cutoff.number("time_to_first_token_ms")
    statuses = [int(code) for code in given.texts("fallback_status_codes") if code.isdigit()]
    further = sorted({status for status in statuses if 400 <= status < 600} - _PASSING)
    told = {
        "model": accounts.target(name, given.at("target")),
        "params": {key: params.take(key) for key in list(params.names()) if key not in _OWN_PARAMS},
        "deadlines": {"first_byte_s": timeout / 1000} if timeout else {},
        "first_token_s": first / 1000 if first else None,
        "fall_back_on": further,
    }
    headers = given.within("headers_override")
    sent = draft.headers(headers.take("set"), headers.at("set"))
    told["headers"] = {**sent, **dict.fromkeys(headers.texts("remove"))}
    headers.rest({}, "write `headers` of the target")
    params.rest(_REMEDIES, "the gateway sets it itself")
    cutoff.rest({"time_per_output_token_ms": "use `strategy: latency`"})
    given.rest(_REMEDIES)
    return {name: value for name, value in told.items() if value not in (None, {}, [])}
