"""Enums as numbers, which clients on Google's own transport send, and ask for with `$alt=json;enum-encoding=int`.

Only numbers that mean the same to Gemini's API and to Vertex AI have a word here.
https://github.com/googleapis/googleapis/tree/master/google/ai/generativelanguage/v1beta,
https://github.com/googleapis/googleapis/tree/master/google/cloud/aiplatform/v1
"""

from __future__ import annotations

from typing import Any

_Words = dict[int, str]

FINISH_REASON: _Words = {1: "STOP", 2: "MAX_TOKENS", 3: "SAFETY", 4: "RECITATION", 5: "OTHER"}
BLOCK_REASON: _Words = {1: "SAFETY", 2: "OTHER", 3: "BLOCKLIST", 4: "PROHIBITED_CONTENT"}
MODE: _Words = {1: "AUTO", 2: "ANY", 3: "NONE"}
TYPE: _Words = {1: "STRING", 2: "NUMBER", 3: "INTEGER", 4: "BOOLEAN", 5: "ARRAY", 6: "OBJECT", 7: "NULL"}


def word(value: Any, words: _Words) -> str | None:
    """The word for a value of an enum, the number itself where it has none here; None for what says nothing (0, `…_UNSPECIFIED`)."""
    if type(value) is int:
        return words.get(value, str(value)) if value else None
    return value if isinstance(value, str) and value and not value.endswith("_UNSPECIFIED") else None
