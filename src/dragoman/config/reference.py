"""Makes the reference of `dragoman.yaml` from the Structs and the sentences below their fields.

`python -m dragoman.config.reference FOLDER` writes it, and the JSON Schema beside it; a test keeps both in `docs/reference` current.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import msgspec.inspect as mi

from dragoman.config.decode import default_of, struct_type
from dragoman.config.json_schema import json_schema, schema_text, sentences, structs_of
from dragoman.config.schema import Config
from dragoman.dialects.contract import Quirks
from dragoman.lower.capabilities import Capabilities
from dragoman.profiles.registry import kinds, profile

__all__ = ["json_schema", "markdown", "write"]

_MADE = "<!-- Made from src/dragoman/config/schema.py by `python -m dragoman.config.reference docs/reference`; do not edit. -->"
_SHORT = 60


def markdown() -> str:
    """The reference of every setting, as one Markdown page."""
    sections = [_section(cls) for cls in structs_of(Config)]
    facts = [_table(Quirks, "quirks", ()), _table(Capabilities, "capabilities", ("dialect",))]
    return "\n\n".join([_MADE, "# Settings of `dragoman.yaml`", _OPENING, *sections, *facts, _kinds_table()]) + "\n"


def write(folder: Path) -> None:
    """Write the reference and the JSON Schema into `folder`."""
    (folder / "configuration.md").write_text(markdown())
    (folder / "dragoman.schema.json").write_text(schema_text())


_OPENING = """Each setting with its type, its default and what it is for. How to do things with them: [configuration](../configuration.md).
In an editor that knows YAML schemas, `# yaml-language-server: $schema=dragoman.schema.json` as the first line completes and checks
the file; `dragoman schema` prints that schema. Settings that are not listed are refused."""


# ---- Markdown ------------------------------------------------------------------------------------------------------------


_PLACES = {
    "Config": "the whole file",
    "Provider": "providers.NAME",
    "ProviderKey": "providers.NAME.keys[]",
    "ProviderDeadlines": "providers.NAME.deadlines",
    "VirtualModel": "models.NAME",
    "Target": "models.NAME.targets[]",
    "Rule": "models.NAME.rules[]",
    "When": "models.NAME.rules[].when",
    "Time": "models.NAME.rules[].when.time",
    "Tiers": "models.NAME.tiers",
    "Classifier": "models.NAME.tiers.classifier",
    "Routing": "routing",
    "Retry": "routing.retry",
    "Breaker": "routing.breaker",
    "Affinity": "routing.affinity",
    "Probes": "routing.probes",
    "ModelPrice": "prices.NAME",
    "LongRates": "prices.NAME.long[]",
    "Access": "access",
    "ClientKey": "access.keys[]",
    "Server": "server",
    "Limits": "server.limits",
    "Deadlines": "server.deadlines",
    "Log": "log",
    "Telemetry": "telemetry",
    "Otlp": "telemetry.otlp",
    "Journal": "journal",
    "Keep": "journal.keep",
}


def _section(cls: type[msgspec.Struct]) -> str:
    return _table(cls, _PLACES[cls.__name__], ())


def _table(cls: type[msgspec.Struct], place: str, but: tuple[str, ...]) -> str:
    told = sentences(cls)
    rows = [
        f"| `{field.encode_name}` | {_type(field.type)} | {_default(field)} | {_cell(told[field.name])} |" for field in _fields(cls, but)
    ]
    title = f"## `{place}`" if cls is not Config else "## The whole file"
    head = "| setting | type | default | what it is for |\n|---|---|---|---|"
    return f"{title}\n\n{(cls.__doc__ or '').splitlines()[0]}\n\n{head}\n" + "\n".join(rows)


def _fields(cls: type[msgspec.Struct], but: tuple[str, ...]) -> list[mi.Field]:
    return [field for field in struct_type(cls).fields if field.name not in but]


def _cell(text: str) -> str:
    return text.partition(" Default:")[0].replace("|", "\\|")


def _type(kind: mi.Type) -> str:
    if isinstance(kind, mi.Metadata):
        extra: dict[str, Any] = kind.extra or {}  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        if "some_of" in extra:
            return f"some of {_link(extra['some_of'])}"
        return f"text or {_type(kind.type)}" if "plain" in extra else _type(kind.type)
    if isinstance(kind, mi.UnionType):
        return " or ".join(_type(choice) for choice in kind.types)
    if isinstance(kind, mi.DictType):
        return f"mapping of names to {_type(kind.value_type)}"
    if isinstance(kind, mi.VarTupleType | mi.FrozenSetType):
        return f"list of {_type(kind.item_type)}"
    if isinstance(kind, mi.LiteralType):
        return ", ".join(f"`{value}`" for value in kind.values)
    if isinstance(kind, mi.StructType):
        return f"`{_PLACES[kind.cls.__name__]}`"
    return _TYPES[type(kind)]


def _link(cls: type[msgspec.Struct]) -> str:
    """The section of a Struct; headings without punctuation are its anchors."""
    place = _PLACES.get(cls.__name__, cls.__name__.lower())
    anchor = "".join(letter for letter in place.lower() if letter.isalnum() or letter == "-")
    return f"[`{place}`](#{anchor})"


_TYPES: dict[type, str] = {
    mi.StrType: "text",
    mi.IntType: "whole number",
    mi.FloatType: "number",
    mi.BoolType: "true or false",
    mi.NoneType: "null",
    mi.AnyType: "any value",
    mi.CustomType: "secret",
}


def _default(field: mi.Field) -> str:
    value = default_of(field)
    if value is msgspec.NODEFAULT:
        return "must be given"
    if isinstance(value, msgspec.Struct):
        return "each as below"
    text = msgspec.json.encode(value, enc_hook=str).decode()
    return f"`{text}`" if len(text) <= _SHORT else "see the source"


_KINDS = "A client that speaks one of the dialects is answered through it; those in brackets only where `dialect` chooses them."


def _kinds_table() -> str:
    rows: list[str] = []
    for facts in map(profile, kinds()):
        spoken = ", ".join([*facts.dialects, *(f"({name})" for name in facts.when_chosen)])
        variables = ", ".join(f"`{name}`" for name in facts.env) or "-"
        rows.append(f"| `{facts.kind}` | {facts.base_url or ('built in' if facts.builtin else 'must be given')} | {spoken} | {variables} |")
    head = "| kind | base URL | dialects, best first | key in the environment |\n|---|---|---|---|"
    return f"## Kinds of providers\n\n{_KINDS}\n\n{head}\n" + "\n".join(rows)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
