"""W3C Trace Context: the headers `traceparent` and `tracestate`, read as strictly as the recommendation wants and written.

https://www.w3.org/TR/trace-context/
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

PARENT = "traceparent"
STATE = "tracestate"
_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)
_SAMPLED = 1
_STATE_LETTERS = 512
_STATE_ENTRIES = 32
_ENTRY = re.compile(r"([a-z0-9][a-z0-9_*/-]{0,255}(@[a-z][a-z0-9_*/-]{0,13})?)=[ -+\--<>-~]{0,255}[!-+\--<>-~]")


class Parent(msgspec.Struct, frozen=True):
    """Who called us in a trace. Ids are lower-case hex; state is empty where there is none."""

    trace_id: str
    span_id: str
    is_sampled: bool
    state: str = ""


def read_parent(headers: Mapping[str, str]) -> Parent | None:
    """The caller's place in a trace; None where the headers (names in lower case) tell none, or not as they must."""
    text = headers.get(PARENT)
    found = _FORM.fullmatch(text.strip(" \t")) if text is not None else None
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    # A later version may have more behind the four fields that this one knows; of version 00 nothing may follow.
    if version == "ff" or (version == "00" and more) or not int(trace_id, 16) or not int(span_id, 16):
        return None
    return Parent(trace_id, span_id, bool(int(flags, 16) & _SAMPLED), read_state(headers.get(STATE, "")))


def read_state(text: str) -> str:
    """The entries of a `tracestate`, tidied; empty where it is not as it must be: then all of it is to be discarded."""
    entries = [entry.strip(" \t") for entry in text.split(",")]
    entries = [entry for entry in entries if entry]
    keys = [entry.partition("=")[0] for entry in entries]
    if len(entries) > _STATE_ENTRIES or len(set(keys)) != len(keys) or not all(_ENTRY.fullmatch(entry) for entry in entries):
        return ""
    # What is too long is cut by whole entries, from the end.
    while entries and len(",".join(entries)) > _STATE_LETTERS:
        entries.pop()
    return ",".join(entries)


def write_parent(trace_id: str, span_id: str, *, is_sampled: bool) -> str:
    """The `traceparent` of a call that this span makes."""
    return f"00-{trace_id}-{span_id}-{_SAMPLED if is_sampled else 0:02x}"
