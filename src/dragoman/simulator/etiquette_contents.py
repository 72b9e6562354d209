"""The rules of Gemini's generateContent for the contents of a conversation: roles, parts, and calls with their responses."""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from dragoman.simulator.gemini import Gemini
from dragoman.simulator.shapes import as_dict, as_dicts, as_list
from dragoman.simulator.view_generate import either
from dragoman.simulator.violation import Violation

Part = dict[str, Any]


def check_contents(given: Any, family: Gemini) -> Iterable[Violation]:
    """Every rule about `contents` that the request breaks."""
    contents = as_dicts(given)
    if not contents:
        yield Violation("* GenerateContentRequest.contents: contents is not specified", "contents")
    for number, content in enumerate(contents):
        yield from _content(f"contents[{number}]", content, family)
    yield from _order(contents)


def _content(param: str, content: Part, family: Gemini) -> Iterable[Violation]:
    role = content.get("role")
    if role not in (None, "user", "model"):
        yield Violation("Please use a valid role: user, model.", f"{param}.role")
    parts = as_dicts(content.get("parts"))
    if not parts:
        yield Violation(f"* GenerateContentRequest.{param}.parts: contents.parts must not be empty.", param)
    for number, part in enumerate(parts):
        yield from _part(f"{param}.parts[{number}]", part, str(role), family)


def _part(param: str, part: Part, role: str, family: Gemini) -> Iterable[Violation]:
    for name in part:
        if name not in _ALL_PARTS:
            yield Violation(f"Invalid JSON payload received. Unknown name \"{name}\" at '{param}': Cannot find field.", param)
    kinds = [name for name in _DATA if either(part, name) is not None]
    if len(kinds) != 1:
        told = "must have one initialized field" if not kinds else "has more than one initialized field"
        yield Violation(f"* GenerateContentRequest.{param}.data: required oneof field 'data' {told}.", param)
        return
    yield from _CHECKS.get(kinds[0], _anything)(f"{param}.{kinds[0]}", either(part, kinds[0]), family)
    wanted = _ROLE_OF.get(kinds[0])
    if wanted is not None and role not in (wanted, "None"):
        yield Violation(f"Please ensure that {kinds[0]} parts stand in a content of the role {wanted}.", param)


def _anything(_param: str, _value: Any, _family: Gemini) -> Iterable[Violation]:
    return ()


def _text(param: str, value: Any, _family: Gemini) -> Iterable[Violation]:
    if not isinstance(value, str):
        yield Violation(f"Invalid value at '{param}' (TYPE_STRING), {value}", param)


def _blob(param: str, value: Any, _family: Gemini) -> Iterable[Violation]:
    blob = as_dict(value)
    mime = str(either(blob, "mimeType") or "")
    if not _MIME.fullmatch(mime):
        yield Violation(f"Unable to submit request because it must have a mimeType parameter, got '{mime}'.", param)
    elif mime.startswith("image/") and mime not in _PICTURES:
        yield Violation(f"Unsupported MIME type: {mime}", param)
    try:
        base64.b64decode(str(blob.get("data")), validate=True)
    except (binascii.Error, ValueError):
        yield Violation(f"Invalid value at '{param}.data' (TYPE_BYTES), Base64 decoding failed", param)


def _call(param: str, value: Any, _family: Gemini) -> Iterable[Violation]:
    call = as_dict(value)
    yield from _name(param, call)
    if not isinstance(call.get("args", {}), dict):
        yield Violation(f"Invalid value at '{param}.args' (type.googleapis.com/google.protobuf.Struct), {call['args']!r}", param)


def _response(param: str, value: Any, family: Gemini) -> Iterable[Violation]:
    response = as_dict(value)
    yield from _name(param, response)
    if not isinstance(response.get("response"), dict):
        told = f"Invalid value at '{param}.response' (type.googleapis.com/google.protobuf.Struct), {response.get('response')!r}"
        yield Violation(told, param)
    parts = as_list(response.get("parts"))
    if parts and not family.demands_signatures:
        yield Violation("Multimodal function response is not supported for this model.", param)
    for part in as_dicts(parts):
        yield from _blob(f"{param}.parts", either(part, "inlineData"), family) if either(part, "inlineData") else ()


def _name(param: str, form: Part) -> Iterable[Violation]:
    if not _NAME.fullmatch(str(form.get("name") or "")):
        yield Violation(f"* GenerateContentRequest.{param}.name: Name cannot be empty, or is not a legal function name.", param)


def _order(contents: list[Part]) -> Iterable[Violation]:
    """Calls come after the user or after responses; responses right after their calls, as many and of the same names."""
    called: Counter[str] = Counter()
    previous = ""
    for number, content in enumerate(contents):
        role, parts = str(content.get("role") or "user"), as_dicts(content.get("parts"))
        calls = Counter(str(as_dict(either(part, "functionCall")).get("name")) for part in parts if either(part, "functionCall"))
        answers = Counter(str(as_dict(either(part, "functionResponse")).get("name")) for part in parts if either(part, "functionResponse"))
        if called and not answers:
            yield Violation(_COUNT, f"contents[{number}]")
        if answers and not called:
            yield Violation(
                "Please ensure that function response turn comes immediately after a function call turn.", f"contents[{number}]"
            )
        elif answers and sum(answers.values()) != sum(called.values()):
            yield Violation(_COUNT, f"contents[{number}]")
        elif answers and answers != called:
            told = "Please ensure that the names of the function response parts are those of the function call turn."
            yield Violation(told, f"contents[{number}]")
        if calls and previous in ("", "model"):
            told = "Please ensure that function call turn comes immediately after a user turn or after a function response turn."
            yield Violation(told, f"contents[{number}]")
        called, previous = calls, role
    if called:
        yield Violation(_COUNT, "contents")


_COUNT = "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn."
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}")
_MIME = re.compile(r"[\w.+-]+/[\w.+-]+")
_PICTURES = ("image/png", "image/jpeg", "image/webp", "image/heic", "image/heif", "image/gif")
_DATA_OF_CLIENTS = ("text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult")
_DATA = (*_DATA_OF_CLIENTS, "toolCall", "toolResponse")
_FLAGS = ("thought", "thoughtSignature", "videoMetadata", "mediaResolution", "partMetadata", "mediaProcessing")
_SNAKES = tuple(re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name) for name in (*_DATA, *_FLAGS))
_ALL_PARTS = frozenset((*_DATA, *_FLAGS, *_SNAKES))
_ROLE_OF = {"functionCall": "model", "functionResponse": "user"}
_CHECKS: dict[str, Callable[[str, Any, Gemini], Iterable[Violation]]] = {
    "text": _text,
    "inlineData": _blob,
    "functionCall": _call,
    "functionResponse": _response,
}
