"""Views of Gemini generateContent requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec

from dragoman.simulator.shapes import as_dict, as_dicts, as_list
from dragoman.simulator.view import Asking, Incoming, Said, Tool, View, assemble, is_context, picture

Part = dict[str, Any]


def read_generate(incoming: Incoming) -> View:
    """View a generateContent request. Odd shapes are passed over: finding fault is the work of `etiquette`."""
    body = incoming.body
    system = as_dicts(as_dict(either(body, "systemInstruction")).get("parts"))
    said = [Said("system", str(part.get("text") or "")) for part in system]
    names = _Numbering()
    for content in as_dicts(body.get("contents")):
        said.extend(_said(str(content.get("role") or "user"), as_dicts(content.get("parts")), names))
    asking = Asking(
        dialect="generate",
        tools=tuple(tool for group in as_dicts(body.get("tools")) for tool in _tools(group)),
        schema=_schema(as_dict(either(body, "generationConfig"))),
        forced=_forced(as_dict(either(as_dict(either(body, "toolConfig")), "functionCallingConfig"))),
        stream=incoming.stream is True,
    )
    return assemble(incoming, asking, said)


def either(form: Part, name: str) -> Any:
    """A field under its name in camel case or in snake case: the API takes both."""
    if name in form:
        return form[name]
    return form.get("".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name))


def plain_schema(schema: Any) -> Any:
    """A schema with its types in lower case: the older form of the API writes them in upper case."""
    if isinstance(schema, list):
        return [plain_schema(one) for one in as_list(schema)]
    if not isinstance(schema, dict):
        return schema
    form = {key: plain_schema(value) for key, value in as_dict(schema).items()}
    kind = form.get("type")
    return {**form, "type": kind.lower()} if isinstance(kind, str) else form


class _Numbering:
    """Ids for calls and results that come without: the n-th call of a name belongs to its n-th result."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[str, str]] = Counter()

    def of(self, kind: str, form: Part) -> str:
        name = str(form.get("name"))
        self._seen[kind, name] += 1
        given = form.get("id")
        return str(given) if given else f"{name}#{self._seen[kind, name]}"


def _said(role: str, parts: list[Part], names: _Numbering) -> Iterable[Said]:
    """The things said in one content. Words in a row are one saying."""
    words: Said | None = None
    for part in parts:
        one = _one(role, part, names)
        is_words = one.role == "user" and not is_context(one.text)
        if is_words:
            words = _joined(words, one)
            continue
        if words is not None:
            yield words
            words = None
        yield one
    if words is not None:
        yield words


def _joined(words: Said | None, one: Said) -> Said:
    if words is None:
        return one
    text = f"{words.text}\n{one.text}" if words.text and one.text else words.text or one.text
    return Said("user", text, images=(*words.images, *one.images))


def _one(role: str, part: Part, names: _Numbering) -> Said:
    call, result = as_dict(either(part, "functionCall")), as_dict(either(part, "functionResponse"))
    if call:
        payload = msgspec.json.encode(call.get("args") or {}).decode()
        return Said("call", payload, call_id=names.of("call", call), name=str(call.get("name")))
    if result:
        images = tuple(image for one in as_dicts(result.get("parts")) for image in _images(one))
        return Said("result", _result_text(as_dict(result.get("response"))), call_id=names.of("result", result), images=images)
    if part.get("thought") is True or not ("text" in part or _images(part)):
        return Said("other")
    return Said("assistant" if role == "model" else "user", str(part.get("text") or ""), images=_images(part))


def _result_text(response: Part) -> str:
    for key in ("output", "result", "error"):
        value = response.get(key)
        if isinstance(value, str):
            return value
    return msgspec.json.encode(response).decode() if response else ""


def _images(part: Part) -> tuple[str, ...]:
    blob, file = as_dict(either(part, "inlineData")), as_dict(either(part, "fileData"))
    if blob:
        return (picture(str(either(blob, "mimeType")), str(blob.get("data"))),)
    return (str(either(file, "fileUri")),) if file else ()


def _tools(group: Part) -> Iterable[Tool]:
    declarations = either(group, "functionDeclarations")
    for declared in as_dicts(declarations):
        schema = either(declared, "parametersJsonSchema") or plain_schema(declared.get("parameters"))
        yield Tool(str(declared.get("name")), "function", None, as_dict(schema), str(declared.get("description") or ""))
    for name in group:
        if name not in ("functionDeclarations", "function_declarations"):
            yield Tool(name, name)


def _schema(config: Part) -> Part | None:
    for form in as_dicts(either(config, "responseFormat")) or [as_dict(either(config, "responseFormat"))]:
        text = as_dict(form.get("text"))
        if "schema" in text:
            return as_dict(plain_schema(text["schema"]))
        if either(text, "mimeType") in ("APPLICATION_JSON", "application/json"):
            return {}
    for name in ("responseJsonSchema", "responseSchema"):
        schema = either(config, name)
        if schema is not None:
            return as_dict(plain_schema(schema))
    return {} if either(config, "responseMimeType") == "application/json" else None


def _forced(config: Part) -> str | None:
    if config.get("mode") != "ANY":
        return None
    allowed = as_list(either(config, "allowedFunctionNames"))
    return str(allowed[0]) if len(allowed) == 1 else "*"
