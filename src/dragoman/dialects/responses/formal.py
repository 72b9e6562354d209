"""Input items of other dialects in the letter of this API's published types, which ask for more than the API does: words of the
assistant that have no id are one text, and a picture says how closely it is to be looked at.

https://platform.openai.com/docs/api-reference/responses/create (input)
"""

from __future__ import annotations

from typing import Any

from dragoman.dialects.remainder import JsonObject, objects

_SAID = {"output_text": "text", "refusal": "refusal"}
_PLACES = ("content", "output")


def formal(item: JsonObject) -> JsonObject:
    """The item as the types have it."""
    if item.get("role") == "assistant" and "id" not in item:
        parts = objects(item.get("content"))
        if parts and all(part.keys() == {"type", _SAID.get(part.get("type") or "")} for part in parts):
            return {**item, "content": "".join(part[_SAID[part["type"]]] for part in parts)}
    for place in _PLACES:
        content: Any = item.get(place)
        if isinstance(content, list) and any(_is_vague(part) for part in objects(content)):
            return {**item, place: [{**part, "detail": "auto"} if _is_vague(part) else part for part in objects(content)]}
    return item


def _is_vague(part: JsonObject) -> bool:
    return part.get("type") == "input_image" and "detail" not in part
