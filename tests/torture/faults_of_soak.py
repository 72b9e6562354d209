"""The faults of the soak: what the simulated provider does to a request by its model's name, and how such an exchange may end."""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.simulator.script import Script

_STALL_S = 30.0
"""Longer than the gateway waits."""
_JUNK = "data: {this is no JSON\n\n"
_NOISE = "\x00\x07 no field at all \ufffd\n\n"


class Trouble(msgspec.Struct, frozen=True):
    """One fault. may_be_right: an answer that is right in every letter is an honest end. may_fail: an error is."""

    name: str
    fault: dict[str, Any] | None = None
    may_be_right: bool = False
    may_fail: bool = True
    pace: dict[str, Any] | None = None


def _after(events: int, into: int = 0) -> dict[str, Any]:
    return {"events": events, "into": into}


TROUBLES = (
    Trouble("none", may_be_right=True, may_fail=False),
    Trouble("slow", None, True, False, {"first_s": 0.3, "delta_s": 0.05}),
    Trouble("trickle", {"trickle": {"bytes": 97, "delay_s": 0.002}}, True, False),
    Trouble("s400", {"status": 400}),
    Trouble("s401", {"status": 401}),
    Trouble("s404", {"status": 404}),
    Trouble("s429", {"status": 429, "headers": {"Retry-After": "1"}}),
    Trouble("s500", {"status": 500}),
    Trouble("s503", {"status": 503}),
    Trouble("html502", {"status": 502, "body": "<html>bad gateway</html>", "content_type": "text/html"}),
    Trouble("html200", {"content_type": "text/html"}),
    Trouble("redirect", {"status": 307, "headers": {"Location": "/v1/elsewhere"}}),
    Trouble("stall-head", {"stall": {"at": "head", "for_s": _STALL_S}}),
    Trouble("stall-first", {"stall": {"at": _after(0), "for_s": _STALL_S}}),
    Trouble("stall-inside", {"stall": {"at": {"before_end": True}, "for_s": _STALL_S}}),
    Trouble("fin-head", {"cut": {"at": "head", "how": "fin"}}),
    Trouble("reset-head", {"cut": {"at": "head", "how": "reset"}}),
    Trouble("fin-first", {"cut": {"at": _after(0), "how": "fin"}}),
    Trouble("fin-inside", {"cut": {"at": _after(4, 20), "how": "fin"}}),
    Trouble("reset-inside", {"cut": {"at": _after(4, 20), "how": "reset"}}),
    Trouble("end-inside", {"cut": {"at": _after(4, 20), "how": "end"}}),
    Trouble("reset-before-end", {"cut": {"at": {"before_end": True}, "how": "reset"}}),
    Trouble("end-missing", {"end": "missing"}, True),
    Trouble("end-twice", {"end": "twice"}, True),
    Trouble("no-done", {"end": "no_done"}, True),
    Trouble("error-inside", {"in_stream": "server_error"}, True),
    Trouble("junk", {"insert": [{"at": _after(3), "text": _JUNK}]}, True),
    Trouble("noise", {"insert": [{"at": _after(2), "text": _NOISE}]}, True),
    Trouble("big-event", {"insert": [{"at": _after(2), "huge_event_bytes": 400_000}]}, True),
    Trouble("big-comment", {"insert": [{"at": _after(2), "comment_bytes": 400_000}]}, True),
)


def script() -> Script:
    """The simulated provider: says back what it was told, the way the model's name asks for."""
    rules = [_rule(trouble) for trouble in TROUBLES]
    return msgspec.convert({"rules": rules, "pace": {"first_s": 0.01, "delta_s": 0.005, "characters": 12}}, Script)


def _rule(trouble: Trouble) -> dict[str, Any]:
    rule: dict[str, Any] = {"name": trouble.name, "match": {"model": f"*-{trouble.name}"}, "reply": [{"text": "{{user}}"}]}
    if trouble.fault is not None:
        rule["fault"] = trouble.fault
    if trouble.pace is not None:
        rule["pace"] = {**trouble.pace, "characters": 12}
    return rule
