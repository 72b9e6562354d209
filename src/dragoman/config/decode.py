"""From the tree of a document to a Struct, along the Struct's types. Goes on after an error, so that all are found at once.

What is wrong is replaced by the field's default (or an empty value), and noted at its path; whoever asks afterwards whether
a value makes sense is not told again about one that was refused here.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import msgspec
import msgspec.inspect as mi

from dragoman.config.document import Mapping, Node, Scalar, Sequence, count
from dragoman.config.problems import Findings, Path, any_of, did_you_mean
from dragoman.config.secrets import Secret, SecretFault, SecretReader, looks_secret, shown

_StructType = TypeVar("_StructType", bound=msgspec.Struct)

_REPEATED = 20_000
"""The most values that a config may hold by its aliases, beside those that are written."""


class Decoder:
    """Reads the values of a document by their type; notes what is wrong in `findings` and every line it passes."""

    def __init__(self, findings: Findings, secrets: SecretReader) -> None:
        self._findings = findings
        self._secrets = secrets
        self._left = 0

    def read_whole(self, document: Node, kind: mi.Type) -> Any:
        """The value of a whole document as `kind`."""
        self._left = count(document) + _REPEATED
        return self.read(document, kind, ())

    def read(self, node: Node, kind: mi.Type, path: Path) -> Any:
        """The value of `node` as `kind`; an empty one if it was refused."""
        self._findings.lines.setdefault(path, node.line)
        self._left -= not isinstance(kind, mi.Metadata | mi.UnionType)  # What it may be is read anew as what it is.
        if self._left < 0:
            self._findings.refuse((), f"has more than {_REPEATED} values by its aliases", "aliases of aliases multiply; write less")
            return _empty(kind)
        return self._TABLE[type(kind)](self, node, kind, path)

    def _metadata(self, node: Node, kind: mi.Metadata, path: Path) -> Any:
        extra: dict[str, Any] = kind.extra or {}  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        if "some_of" in extra:
            return self._some_of(node, extra["some_of"], extra.get("but", ()), path)
        if extra.get("header"):
            return self._secret(node, path, header=True)
        if "plain" in extra and isinstance(node, Scalar) and isinstance(kind.type, mi.StructType):
            return self._plain(node, kind.type, extra["plain"], path)
        return self.read(node, kind.type, path)

    def _struct(self, node: Node, kind: mi.StructType, path: Path) -> Any:
        fields = {field.encode_name: field for field in kind.fields}
        given = self._fields(node, fields, path)
        for name, field in fields.items():
            if name not in given and field.required:
                if isinstance(node, Mapping):
                    self._findings.refuse((*path, name), "is missing", _want(field.type))
                given[name] = _empty(field.type)
        return kind.cls(**{fields[name].name: value for name, value in given.items()})

    def _plain(self, node: Scalar, kind: mi.StructType, name: str, path: Path) -> Any:
        """A Struct of which only one field is given, without its name."""
        field = next(field for field in kind.fields if field.name == name)
        return kind.cls(**{name: self.read(node, field.type, path)})

    def _some_of(self, node: Node, cls: type[msgspec.Struct], but: tuple[str, ...], path: Path) -> dict[str, Any]:
        return self._fields(node, {field.encode_name: field for field in struct_type(cls).fields if field.encode_name not in but}, path)

    def _fields(self, node: Node, fields: dict[str, mi.Field], path: Path) -> dict[str, Any]:
        given: dict[str, Any] = {}
        if not isinstance(node, Mapping):
            self._wrong(node, f"a mapping with {any_of(fields)}" if len(fields) <= 8 else "a mapping", path)
            return given
        for entry in node.entries:
            name = entry.key.text
            field = fields.get(name)
            if field is None:
                self._unknown(entry.key, fields, path)
                continue
            given[name] = self._field(entry.value, field, (*path, name))
        return given

    def _field(self, node: Node, field: mi.Field, path: Path) -> Any:
        value = self.read(node, field.type, path)
        if self._findings.blames(path) and not field.required and not isinstance(node, Mapping | Sequence):
            return default_of(field)
        return value

    def _unknown(self, key: Scalar, fields: dict[str, mi.Field], path: Path) -> None:
        known = f"known here: {', '.join(f'`{name}`' for name in fields)}"
        self._findings.refuse((*path, key.text), "is no setting", did_you_mean(key.text, fields) or known, line=key.line)

    def _dict(self, node: Node, kind: mi.DictType, path: Path) -> dict[str, Any]:
        if not isinstance(node, Mapping):
            self._wrong(node, "a mapping of names", path)
            return {}
        made: dict[str, Any] = {}
        for entry in node.entries:
            name = self._name(entry.key, path)
            if name is not None:
                made[name] = self.read(entry.value, kind.value_type, (*path, name))
        return made

    def _name(self, key: Scalar, path: Path) -> str | None:
        """The key of a mapping, which must be text: `4.1` and `no` are a number and a truth value to YAML."""
        if isinstance(key.value, str) and key.text.strip():
            return key.text
        if not key.text.strip():
            self._findings.refuse((*path, key.text), "is an empty name", "give it a name", line=key.line)
            return None
        self._findings.refuse(
            (*path, key.text), f"is read by YAML as {_yaml_word(key)}, not as a name", f'write it in quotes: `"{key.text}"`', line=key.line
        )
        return None

    def _list(self, node: Node, kind: mi.VarTupleType | mi.ListType, path: Path) -> tuple[Any, ...]:
        if not isinstance(node, Sequence):
            self._wrong(node, _list_noun(kind), path)
            return ()
        return tuple(self.read(item, kind.item_type, (*path, index)) for index, item in enumerate(node.items))

    def _set(self, node: Node, kind: mi.FrozenSetType, path: Path) -> frozenset[Any]:
        return frozenset(self._list(node, mi.VarTupleType(kind.item_type), path))

    def _union(self, node: Node, kind: mi.UnionType, path: Path) -> Any:
        """The alternatives differ in form: null, a mapping, a list, or a single value."""
        if isinstance(node, Scalar) and node.value is None and any(isinstance(choice, mi.NoneType) for choice in kind.types):
            return None
        choices = [choice for choice in kind.types if not isinstance(choice, mi.NoneType)]
        for choice in choices:
            if type(node) is _form(choice):
                return self.read(node, choice, path)
        if len(choices) == 1:
            return self.read(node, choices[0], path)
        self._wrong(node, " or ".join(_noun(choice) for choice in choices), path)
        return _empty(kind)

    def _text(self, node: Node, kind: mi.StrType, path: Path) -> str:
        if not isinstance(node, Scalar):
            self._wrong(node, "text", path)
            return ""
        if not isinstance(node.value, str):
            self._not_text(node, path)
            return ""
        if not node.value.strip():
            self._findings.refuse(path, "is empty", "give it a value or leave it out")
            return ""
        return self._expanded(node.value, path)

    def _expanded(self, text: str, path: Path) -> str:
        try:
            return self._secrets.expand(text)
        except SecretFault as fault:
            self._findings.refuse(path, fault.reason, fault.remedy)
            return ""

    def _secret(self, node: Node, path: Path, *, header: bool = False) -> Secret:
        if not isinstance(node, Scalar):
            self._wrong(node, "one text: `$VARIABLE` or `file:/path`", path)
            return Secret("")
        if node.value is None:
            self._findings.refuse(path, "is empty", "write `$VARIABLE` or `file:/path`")
            return Secret("")
        try:
            secret = self._secrets.secret(node.text)
        except SecretFault as fault:
            self._findings.refuse(path, fault.reason, fault.remedy)
            return Secret("")
        if secret.origin == "the config file" and (not header or looks_secret(node.text)):
            self._findings.warn(
                path,
                "the key stands in the file itself",
                "put it into the environment and write `$VARIABLE`, or into a file of its own and write `file:/path`",
            )
        return secret

    def _custom(self, node: Node, kind: mi.CustomType, path: Path) -> Secret:
        return self._secret(node, path)

    def _bool(self, node: Node, kind: mi.BoolType, path: Path) -> bool:
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        self._wrong(node, "`true` or `false`", path)
        return False

    def _int(self, node: Node, kind: mi.IntType, path: Path) -> int:
        value = node.value if isinstance(node, Scalar) else None
        if not isinstance(value, int) or isinstance(value, bool):
            self._wrong(node, "a whole number", path)
            return 1
        return value if self._in_range(value, kind, path) else 1

    def _float(self, node: Node, kind: mi.FloatType, path: Path) -> float:
        value = node.value if isinstance(node, Scalar) else None
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            self._wrong(node, "a finite number", path)
            return 1.0
        return float(value) if self._in_range(value, kind, path) else 1.0

    def _in_range(self, value: float, kind: mi.IntType | mi.FloatType, path: Path) -> bool:
        bounds = (
            (kind.gt is None or value > kind.gt, f"more than {kind.gt}"),
            (kind.ge is None or value >= kind.ge, f"at least {kind.ge}"),
            (kind.le is None or value <= kind.le, f"at most {kind.le}"),
        )
        for holds, want in bounds:
            if not holds:
                self._findings.refuse(path, f"is {value}", f"it must be {want}")
                return False
        return True

    def _literal(self, node: Node, kind: mi.LiteralType, path: Path) -> Any:
        text = node.text if isinstance(node, Scalar) else ""
        if text in kind.values:
            return text
        words = [str(value) for value in kind.values]
        if isinstance(node, Scalar) and text:
            self._findings.refuse(path, f"{shown(text)} is not known here", did_you_mean(text, words) or f"write {any_of(words)}")
        else:
            self._wrong(node, any_of(words), path)
        return kind.values[0]

    def _any(self, node: Node, kind: mi.Type, path: Path) -> Any:
        """A JSON value."""
        if isinstance(node, Mapping):
            return self._dict(node, mi.DictType(mi.StrType(), mi.AnyType()), path)
        if isinstance(node, Sequence):
            return [self.read(item, kind, (*path, index)) for index, item in enumerate(node.items)]
        if node.value is None or isinstance(node.value, str | bool | int):
            return node.value
        if isinstance(node.value, float) and math.isfinite(node.value):
            return node.value
        self._findings.refuse(
            path, f"is read by YAML as {_yaml_word(node)}, which JSON has no form for", f'write it in quotes: `"{node.text}"`'
        )
        return None

    def _none(self, node: Node, kind: mi.NoneType, path: Path) -> None:
        if not isinstance(node, Scalar) or node.value is not None:
            self._wrong(node, "nothing", path)

    def _not_text(self, node: Scalar, path: Path) -> None:
        if node.value is None:
            self._findings.refuse(path, "is empty", "give it a value or leave it out")
            return
        remedy = "write it in quotes" if looks_secret(node.text) else f'write it in quotes: `"{node.text}"`'
        self._findings.refuse(path, f"is read by YAML as {_yaml_word(node)}, not as text", remedy)

    def _wrong(self, node: Node, want: str, path: Path) -> None:
        """Something of the wrong form. Says what it is, never what it holds: it may be a key in the wrong place."""
        if isinstance(node, Scalar) and node.value is None:
            self._findings.refuse(path, "is empty", f"write {want}, or leave it out")
            return
        self._findings.refuse(path, f"is {_form_word(node)}", f"it must be {want}")

    _TABLE: ClassVar[dict[type, Callable[[Any, Any, Any, Path], Any]]] = {
        mi.Metadata: _metadata,
        mi.StructType: _struct,
        mi.DictType: _dict,
        mi.VarTupleType: _list,
        mi.ListType: _list,
        mi.FrozenSetType: _set,
        mi.UnionType: _union,
        mi.StrType: _text,
        mi.CustomType: _custom,
        mi.BoolType: _bool,
        mi.IntType: _int,
        mi.FloatType: _float,
        mi.LiteralType: _literal,
        mi.AnyType: _any,
        mi.NoneType: _none,
    }


def read_struct(decoder: Decoder, node: Node, cls: type[_StructType]) -> _StructType:
    """The document as a Struct of `cls`; what was refused is empty in it."""
    return decoder.read_whole(node, struct_type(cls))


@functools.cache
def struct_type(cls: type[msgspec.Struct]) -> mi.StructType:
    """What msgspec knows of a Struct: its fields, their types and defaults."""
    kind = mi.type_info(cls)
    assert isinstance(kind, mi.StructType)
    return kind


def default_of(field: mi.Field) -> Any:
    """The default of a field, or `msgspec.NODEFAULT` if it must be given."""
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


def _empty(kind: mi.Type) -> Any:
    """A value of the type that stands for one that was refused."""
    if isinstance(kind, mi.Metadata):
        return _empty(kind.type)
    if isinstance(kind, mi.UnionType):
        return None if any(isinstance(choice, mi.NoneType) for choice in kind.types) else _empty(kind.types[0])
    if isinstance(kind, mi.StructType):
        return kind.cls(**{field.name: _empty(field.type) for field in kind.fields if field.required})
    if isinstance(kind, mi.LiteralType):
        return kind.values[0]
    return _EMPTY[type(kind)]


_EMPTY: dict[type, Any] = {
    mi.StrType: "",
    mi.IntType: 1,
    mi.FloatType: 1.0,
    mi.BoolType: False,
    mi.VarTupleType: (),
    mi.ListType: (),
    mi.FrozenSetType: frozenset(),
    mi.DictType: {},
    mi.AnyType: None,
    mi.CustomType: Secret(""),
}


def _form(kind: mi.Type) -> type:
    """The form of node that a type wants."""
    if isinstance(kind, mi.Metadata):
        return _form(kind.type)
    if isinstance(kind, mi.StructType | mi.DictType):
        return Mapping
    return Sequence if isinstance(kind, mi.VarTupleType | mi.ListType | mi.FrozenSetType) else Scalar


def _noun(kind: mi.Type) -> str:
    return {Mapping: "a mapping", Sequence: "a list", Scalar: "text"}[_form(kind)]


def _want(kind: mi.Type) -> str:
    """How what must be given may be written."""
    extra: dict[str, Any] = (kind.extra or {}) if isinstance(kind, mi.Metadata) else {}  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return f"write it, as `{extra['example']}`" if "example" in extra else "give it a value"


def _list_noun(kind: mi.VarTupleType | mi.ListType) -> str:
    """A list and how one is written."""
    item = kind.item_type.type if isinstance(kind.item_type, mi.Metadata) else kind.item_type
    example = (
        "[$VARIABLE]" if isinstance(kind.item_type, mi.Metadata) and _form(item) is Mapping else _EXAMPLES.get(type(item), "[one, two]")
    )
    return f"a list, as `{example}`"


_EXAMPLES: dict[type, str] = {mi.IntType: "[1, 2]", mi.FloatType: "[0.3, 0.7]", mi.StructType: "[{...}]"}


def _form_word(node: Node) -> str:
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    return _yaml_word(node)


def _yaml_word(scalar: Scalar) -> str:
    """What YAML takes a scalar for."""
    if scalar.value is None:
        return "nothing"
    if isinstance(scalar.value, bool):
        return "true" if scalar.value else "false"
    return next((word for cls, word in _WORDS.items() if isinstance(scalar.value, cls)), "a date")


_WORDS: dict[type, str] = {str: "text", int: "a number", float: "a number", bytes: "bytes"}
