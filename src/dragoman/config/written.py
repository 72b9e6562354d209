"""A config as it stands in its file, without its secrets: what revisions keep, and what `config diff` and the API show.

A Config will not do for that: in it variables are put in, defaults filled in and comments lost.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec
import msgspec.inspect as mi

from dragoman.config import document
from dragoman.config.document import Node, Scalar, read_document
from dragoman.config.problems import Path, first_of, show_path
from dragoman.config.schema import Config
from dragoman.config.secrets import looks_secret

HIDDEN = "***"
_BEFORE = re.compile(r"(?:[&!]\S*\s+)*")
"""Anchors and tags before a value."""
_REFERENCE = re.compile(r"\$[A-Za-z_][A-Za-z0-9_]*\Z|file:|.*\$\{", re.DOTALL)
"""What stands for a secret that is elsewhere."""
_COMMENT = re.compile(r"(?:^|\s)#.*", re.MULTILINE)
_WORD = re.compile(r"[^\s\"'`,;()\[\]{}<>=]+")
_TELLING = re.compile(r"auth|key|token|secret|cookie|passw", re.IGNORECASE)
"""Names of headers whose values are secret."""


class Written(msgspec.Struct, frozen=True):
    """A config without secrets. `text`: the file with `***` for each; `settings`: the same as JSON values; `hidden`: where values of
    settings were left out (a comment may have lost some as well)."""

    text: str
    settings: Any
    hidden: tuple[Path, ...] = ()


def read_written(raw: bytes, file: str = "dragoman.yaml", *, root: Node | None = None) -> Written:
    """What a file says, without its secrets. `root`: its tree, where it was read already. Raises ConfigError where it is not YAML."""
    text = raw.decode("utf-8-sig", "replace")
    root = root if root is not None else read_document(raw, file)
    found = dict(_secrets(root))
    spans = {_value_span(text, scalar): f'"{HIDDEN}"' for scalar in found.values()}
    values = [scalar.span for _, scalar in _walk(root, ())]
    for comment in _COMMENT.finditer(text):
        spans.update({span: HIDDEN for span in _secret_words(text, comment.span()) if not _overlaps(span, values)})
    return Written(_replaced(text, spans), _plain(root, (), found.keys()), tuple(found))


def refill(kept: str, raw: bytes, file: str = "dragoman.yaml") -> tuple[str, tuple[str, ...]]:
    """(text, what is lacking): a kept text with the secrets put back that stand in `raw` at the same settings; the paths of those that
    do not stand there."""
    current = raw.decode("utf-8-sig", "replace")
    own = {path: scalar for path, scalar in _walk(read_document(raw, file), ()) if scalar.value is not None}
    spans: dict[tuple[int, int], str] = {}
    lacking: list[str] = []
    for path, scalar in _walk(read_document(kept.encode(), file), ()):
        if scalar.text != HIDDEN:
            continue
        known = own.get(path)
        if known is None:
            lacking.append(show_path(path))
            continue
        start, end = _value_span(current, known)
        spans[_value_span(kept, scalar)] = current[start:end]
    return _replaced(kept, spans), tuple(lacking)


def differences(old: Any, new: Any, path: Path = ()) -> Iterator[tuple[str, Any, Any]]:
    """(path of a setting, its value before, after) wherever two `settings` differ; msgspec.UNSET where there is none. What is
    wholly new or gone is told as one."""
    if isinstance(old, dict) and isinstance(new, dict):
        before, after = _mapping(old), _mapping(new)
        for key in dict.fromkeys([*before, *after]):
            yield from differences(before.get(key, msgspec.UNSET), after.get(key, msgspec.UNSET), (*path, str(key)))
    elif isinstance(old, list) and isinstance(new, list):
        one, two = _list(old), _list(new)
        for index in range(max(len(one), len(two))):
            before, after = (items[index] if index < len(items) else msgspec.UNSET for items in (one, two))
            yield from differences(before, after, (*path, index))
    elif not _is_same(old, new):
        yield show_path(path), old, new


def sign(old: Any, new: Any) -> str:
    """`+` for what is new, `-` for what is gone, `~` for what is another."""
    return "+" if old is msgspec.UNSET else "-" if new is msgspec.UNSET else "~"


def changes(old: Any, new: Any, most: int) -> str:
    """The settings that differ, by their paths and signs, `most` of them at the most; empty if none does."""
    return first_of([f"{sign(one, two)}{path}" for path, one, two in differences(old, new)], most)


def _is_same(one: Any, two: Any) -> bool:
    """To Python `1`, `1.0` and `true` are equal."""
    return one == two and type(one) is type(two)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value


def _list(value: Any) -> Sequence[Any]:
    return value


# What is secret


def _secrets(root: Node) -> Iterator[tuple[Path, Scalar]]:
    for path, scalar in _walk(root, ()):
        if scalar.value is not None and scalar.text not in ("", HIDDEN) and _is_secret(path, scalar.text):
            yield path, scalar


def _is_secret(path: Path, text: str) -> bool:
    if _REFERENCE.match(text):
        return _has_secret_part(text)
    kind = _kind_at(path)
    if kind == "secret":
        return True
    if kind == "header":
        return looks_secret(text) or _TELLING.search(str(path[-1])) is not None
    if "://" in text:
        return _has_secret_part(text)
    return looks_secret(text)


def _has_secret_part(text: str) -> bool:
    """Whether an address has a password in it, or something like a key in its query; an account's id in its path is none."""
    try:
        parts = urlsplit(text)
        return (bool(parts.password) and not _REFERENCE.match(parts.password or "")) or looks_secret(parts.query)
    except ValueError:
        return looks_secret(text)


@functools.cache
def _root() -> mi.Type:
    return mi.type_info(Config)


def _kind_at(path: Path) -> str:
    """`secret`, `header` or nothing: what the schema says of the setting at a path."""
    kinds: list[mi.Type] = [_root()]
    for step in path:
        kinds = [inner for kind in kinds for inner in _below(kind, step)]
    return next((word for kind in kinds if (word := _word(kind))), "")


def _word(kind: mi.Type) -> str:
    """A secret may stand alone or be one of several forms: a key, or a mapping with a key in it."""
    if isinstance(kind, mi.Metadata):
        extra: dict[str, Any] = kind.extra or {}  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        if "plain" in extra and isinstance(kind.type, mi.StructType):
            return next((_word(field.type) for field in kind.type.fields if field.name == extra["plain"]), "")
        return "header" if extra.get("header") else _word(kind.type)
    if isinstance(kind, mi.UnionType):
        return next((word for one in kind.types if (word := _word(one))), "")
    if isinstance(kind, mi.StructType):
        return ""
    return "secret" if isinstance(kind, mi.CustomType) else ""


def _below(kind: mi.Type, step: str | int) -> Iterator[mi.Type]:
    """The types that may stand one step further down."""
    if isinstance(kind, mi.Metadata):
        yield from _below(kind.type, step)
    elif isinstance(kind, mi.UnionType):
        for one in kind.types:
            yield from _below(one, step)
    elif isinstance(kind, mi.StructType):
        yield from (field.type for field in kind.fields if field.encode_name == step)
    elif isinstance(kind, mi.DictType):
        yield kind.value_type
    elif isinstance(kind, mi.VarTupleType | mi.ListType) and isinstance(step, int):
        yield kind.item_type


def _secret_words(text: str, span: tuple[int, int]) -> Iterator[tuple[int, int]]:
    return (word.span() for word in _WORD.finditer(text, *span) if looks_secret(word.group()))


# Trees and texts


def _walk(node: Node, path: Path) -> Iterator[tuple[Path, Scalar]]:
    if isinstance(node, Scalar):
        yield path, node
    elif isinstance(node, document.Sequence):
        for index, item in enumerate(node.items):
            yield from _walk(item, (*path, index))
    else:
        for entry in node.entries:
            yield from _walk(entry.value, (*path, entry.key.text))


def _plain(node: Node, path: Path, hidden: Any) -> Any:
    if isinstance(node, document.Sequence):
        return [_plain(item, (*path, index), hidden) for index, item in enumerate(node.items)]
    if isinstance(node, document.Mapping):
        return {entry.key.text: _plain(entry.value, (*path, entry.key.text), hidden) for entry in node.entries}
    if path in hidden:
        return HIDDEN
    return node.value if isinstance(node.value, str | bool | int | float | None) else node.text


def _overlaps(span: tuple[int, int], others: list[tuple[int, int]]) -> bool:
    return any(start < span[1] and span[0] < end for start, end in others)


def _value_span(text: str, scalar: Scalar) -> tuple[int, int]:
    start, end = scalar.span
    before = _BEFORE.match(text, start, end)
    return (before.end() if before is not None else start), end


def _replaced(text: str, spans: Mapping[tuple[int, int], str]) -> str:
    """The text with other words at these places; a block of several lines keeps its last line end."""
    for (start, end), word in sorted(spans.items(), reverse=True):
        ending = "\n" if text[start:end].endswith("\n") else ""
        text = f"{text[:start]}{word.removesuffix(ending)}{ending}{text[end:]}"
    return text
