"""The JSON Schema of `dragoman.yaml`, and the sentences below the fields of its Structs that it (and the reference) tells."""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from typing import Any

import msgspec
import msgspec.inspect as mi

from dragoman.config.decode import struct_type
from dragoman.config.schema import Config
from dragoman.config.secrets import Secret
from dragoman.dialects.contract import Quirks
from dragoman.lower.capabilities import Capabilities
from dragoman.profiles.registry import kinds

_SCHEMA_URL = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The JSON Schema of `dragoman.yaml`, for editors. Secrets are strings in it."""
    (schema,), parts = msgspec.json.schema_components((Config,), schema_hook=_secret_schema, ref_template="#/$defs/{name}")
    for cls in structs_of(Config):
        _describe(parts[cls.__name__], cls)
    for cls in (Quirks, Capabilities):
        parts[cls.__name__] = _sparse(cls)
    parts["Provider"]["properties"]["kind"]["enum"] = list(kinds())
    parts["Provider"]["properties"]["quirks"]["$ref"] = "#/$defs/Quirks"
    parts["Provider"]["properties"]["capabilities"]["$ref"] = "#/$defs/Capabilities"
    return {"$schema": _SCHEMA_URL, "title": "dragoman.yaml", **schema, "$defs": dict(sorted(parts.items()))}


def schema_text() -> str:
    """The JSON Schema as text, indented."""
    return msgspec.json.format(msgspec.json.encode(json_schema()), indent=2).decode() + "\n"


@functools.cache
def sentences(cls: type[msgspec.Struct]) -> dict[str, str]:
    """The sentence below each field of a Struct."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(tree, ast.ClassDef)
    found: dict[str, str] = {}
    for field, text in zip(tree.body, tree.body[1:], strict=False):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            found[field.target.id] = " ".join(str(text.value.value).split())
    return found


def structs_of(cls: type[msgspec.Struct]) -> list[type[msgspec.Struct]]:
    """The Struct and those within it, in the order of their fields."""
    found = [cls]
    for field in struct_type(cls).fields:
        for inner in _inner(field.type):
            found += [one for one in structs_of(inner) if one not in found]
    return found


def _inner(kind: mi.Type) -> list[type[msgspec.Struct]]:
    if isinstance(kind, mi.StructType):
        return [kind.cls]
    if isinstance(kind, mi.UnionType):
        return [cls for choice in kind.types for cls in _inner(choice)]
    if isinstance(kind, mi.DictType):
        return _inner(kind.value_type)
    return _inner(kind.item_type) if isinstance(kind, mi.VarTupleType) else []


def _secret_schema(cls: type) -> dict[str, Any]:
    if cls is not Secret:
        raise NotImplementedError
    return {"type": "string"}


def _describe(part: dict[str, Any], cls: type[msgspec.Struct]) -> None:
    for name, sentence in sentences(cls).items():
        part["properties"][name]["description"] = sentence


def _sparse(cls: type[msgspec.Struct]) -> dict[str, Any]:
    """A Struct of which config sets some fields only."""
    _, parts = msgspec.json.schema_components((cls,), ref_template="#/$defs/{name}")
    part: dict[str, Any] = parts[cls.__name__]
    part.pop("required", None)
    part["additionalProperties"] = False
    if cls is Capabilities:
        part["properties"].pop("dialect")
    for name, told in part["properties"].items():
        told.pop("default", None)
        told["description"] = sentences(cls)[name]
    return part
