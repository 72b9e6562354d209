"""The JSON Schema of `dragoman.yaml`, and the sentences below the fields of its Structs that it (and the reference) tells."""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any

import msgspec
import msgspec.inspect as mi

from dragoman.config.decode import struct_type
from dragoman.config.schema import Config
from dragoman.config.secrets import Secret
from dragoman.profiles.registry import kinds

_SCHEMA_URL = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The JSON Schema of `dragoman.yaml`, for editors. Secrets are strings in it."""
    (schema,), parts = msgspec.json.schema_components((Config,), schema_hook=_secret_schema, ref_template="#/$defs/{name}")
    for cls in structs_of(Config):
        _describe(parts[cls.__name__], cls)
    for cls, field, some, but in _sparse_fields():
        parts[f"Some{some.__name__}"] = _sparse(some, but)
        parts[cls.__name__]["properties"][field]["$ref"] = f"#/$defs/Some{some.__name__}"
    keys = parts["Provider"]["properties"]["keys"]
    keys["items"] = {"anyOf": [{"type": "string"}, keys["items"]]}
    parts["Provider"]["properties"]["kind"]["enum"] = list(kinds())
    for part in parts.values():
        if "description" in part:
            # Python 3.13 takes the indentation out of docstrings itself; earlier ones leave it in.
            part["description"] = inspect.cleandoc(part["description"])
    return {"$schema": _SCHEMA_URL, "title": "dragoman.yaml", **schema, "$defs": dict(sorted(parts.items()))}


def schema_text() -> str:
    """The JSON Schema as text, indented."""
    return msgspec.json.format(msgspec.json.encode(json_schema()), indent=2).decode() + "\n"


@functools.cache
def sentences(cls: type[msgspec.Struct]) -> dict[str, str]:
    """The sentence below each field of a Struct, those that it inherits among them."""
    inherited = [sentences(base) for base in cls.__bases__ if issubclass(base, msgspec.Struct) and base is not msgspec.Struct]
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(tree, ast.ClassDef)
    found = {name: text for told in inherited for name, text in told.items()}
    for field, text in zip(tree.body, tree.body[1:], strict=False):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            found[field.target.id] = " ".join(str(text.value.value).split())
    return found


def structs_of(cls: type[msgspec.Struct]) -> list[type[msgspec.Struct]]:
    """The Struct and those within it, in the order of their fields; one that holds itself is told once."""
    found: list[type[msgspec.Struct]] = []
    _collect(cls, found)
    return found


def _collect(cls: type[msgspec.Struct], found: list[type[msgspec.Struct]]) -> None:
    found.append(cls)
    for field in struct_type(cls).fields:
        for inner in _inner(field.type):
            if inner not in found:
                _collect(inner, found)


def _inner(kind: mi.Type) -> list[type[msgspec.Struct]]:
    if isinstance(kind, mi.StructType):
        return [kind.cls]
    if isinstance(kind, mi.Metadata):
        return _inner(kind.type)
    if isinstance(kind, mi.UnionType):
        return [cls for choice in kind.types for cls in _inner(choice)]
    if isinstance(kind, mi.DictType):
        return _inner(kind.value_type)
    return _inner(kind.item_type) if isinstance(kind, mi.VarTupleType) else []


def _sparse_fields() -> Iterator[tuple[type[msgspec.Struct], str, type[msgspec.Struct], tuple[str, ...]]]:
    """(Struct, field, the Struct of which that field gives some, without which of its fields)."""
    for cls in structs_of(Config):
        for field in struct_type(cls).fields:
            extra: dict[str, Any] = (field.type.extra or {}) if isinstance(field.type, mi.Metadata) else {}  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            if "some_of" in extra:
                yield cls, field.encode_name, extra["some_of"], extra.get("but", ())


def _secret_schema(cls: type) -> dict[str, Any]:
    if cls is not Secret:
        raise NotImplementedError
    return {"type": "string"}


def _describe(part: dict[str, Any], cls: type[msgspec.Struct]) -> None:
    told = sentences(cls)
    for field in struct_type(cls).fields:
        part["properties"][field.encode_name]["description"] = told[field.name]


def _sparse(cls: type[msgspec.Struct], but: tuple[str, ...]) -> dict[str, Any]:
    """A Struct of which config sets some fields only, without those of `but`."""
    _, parts = msgspec.json.schema_components((cls,), ref_template="#/$defs/{name}")
    part: dict[str, Any] = parts[cls.__name__]
    part.pop("required", None)
    part["additionalProperties"] = False
    for name in but:
        part["properties"].pop(name)
    for name, told in part["properties"].items():
        told.pop("default", None)
        told["description"] = sentences(cls)[name]
    return part
