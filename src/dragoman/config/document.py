"""YAML as a tree of scalars, sequences and mappings that remember their lines. The only place that knows the YAML library.

Stricter than YAML: a key that stands twice, more than one document, and tags of other languages are refused.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import msgspec
import yaml
from yaml.composer import Composer
from yaml.constructor import SafeConstructor

from dragoman.config.problems import ConfigError, Problem
from dragoman.config.secrets import shown

_SIZE_BYTES = 1024 * 1024
_MERGE = "tag:yaml.org,2002:merge"
_MARK = "\ufeff"
"""Of the order of bytes, before a text: a second one is a letter to one reader and none to the other."""


class Scalar(msgspec.Struct, frozen=True):
    """A single value: `text` as written, `value` as YAML reads it (None, bool, int, float, str, or a date). `span`: where it stands,
    as numbers of letters from the beginning of the file, its quotes (and an anchor or tag before it) within."""

    line: int
    text: str
    value: Any
    span: tuple[int, int] = (0, 0)


class Sequence(msgspec.Struct, frozen=True):
    """A list."""

    line: int
    items: tuple[Node, ...]


class Entry(msgspec.Struct, frozen=True):
    """One `key: value` of a mapping."""

    key: Scalar
    value: Node


class Mapping(msgspec.Struct, frozen=True):
    """A mapping in the order of the file; `<<` is merged in already."""

    line: int
    entries: tuple[Entry, ...]


Node = Scalar | Sequence | Mapping


def read_document(raw: bytes, file: str) -> Node:
    """The tree of a YAML file. Raises ConfigError: not UTF-8, not YAML, empty, more than one document, a key twice."""
    if len(raw) > _SIZE_BYTES:
        raise _error(file, None, f"has more than {_SIZE_BYTES} bytes", "this is no config file")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _error(file, raw[: error.start].count(b"\n") + 1, "is not UTF-8", "save the file as UTF-8") from error
    converter = _Converter(file)
    try:
        root = _compose(text)
        tree = None if root is None else converter.node(root)
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(file, error, text) from error
    except yaml.YAMLError as error:
        raise _error(file, None, "has a character that YAML does not allow", "save the file as plain text") from error
    except RecursionError as error:
        raise _error(file, None, "is nested too deep", "this is no config file") from error
    if tree is None:
        raise _error(file, None, "is empty", "write at least `providers:`, or remove the file to use the keys in the environment")
    if converter.problems:
        raise ConfigError(converter.problems)
    return tree


def count(node: Node) -> int:
    """How many values it is written with: what aliases repeat counts once."""
    seen: set[int] = set()
    left: list[Node] = [node]
    while left:
        one = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, Mapping):
            left += [entry.value for entry in one.entries]
        elif isinstance(one, Sequence):
            left += one.items
    return len(seen)


def _compose(text: str) -> yaml.Node | None:
    """What the fast reader refuses the other one reads: it takes a little more, and says better what is wrong."""
    compose: Callable[..., yaml.Node | None] = yaml.compose  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if _FAST is not None and not text.startswith(_MARK):
        with contextlib.suppress(yaml.YAMLError):
            return compose(text, Loader=_FAST)
    return compose(text, Loader=yaml.SafeLoader)


def _fast(parser: Any) -> Any:
    """libyaml parses in an eighth of the time. Put together is the tree by Python all the same: libyaml's own composer ends the process
    where something is nested 100,000 deep."""

    class Fast(Composer, parser):
        def __init__(self, text: str) -> None:
            parser.__init__(self, text)
            Composer.__init__(self)

    return Fast


_FAST = _fast(yaml.CSafeLoader) if yaml.__with_libyaml__ else None


class _Converter:
    """Turns the library's nodes into ours, once each, so that an alias costs nothing."""

    def __init__(self, file: str) -> None:
        self.problems: list[Problem] = []
        self._file = file
        self._construct: Callable[[yaml.Node], Any] = SafeConstructor().construct_object  # pyright: ignore[reportUnknownMemberType]
        self._done: dict[int, Node] = {}
        self._open: set[int] = set()

    def node(self, node: yaml.Node) -> Node:
        known = self._done.get(id(node))
        if known is not None:
            return known
        if id(node) in self._open:
            self._refuse(node, "contains itself through an alias", "write it out")
            return Scalar(_line(node), "", None)
        self._open.add(id(node))
        made = self._make(node)
        self._open.discard(id(node))
        self._done[id(node)] = made
        return made

    def _make(self, node: yaml.Node) -> Node:
        if isinstance(node, yaml.MappingNode):
            return Mapping(_line(node), tuple(self._entries(node).values()))
        if isinstance(node, yaml.SequenceNode):
            return Sequence(_line(node), tuple(self.node(item) for item in node.value))
        return self._scalar(node)

    def _scalar(self, node: yaml.Node) -> Scalar:
        try:
            value = self._construct(node)
        except (yaml.YAMLError, ValueError):
            self._refuse(node, "has a tag or a value that YAML cannot read", "write plain text, a number, or put it in quotes")
            value = str(node.value)
        return Scalar(_line(node), str(node.value), value, (node.start_mark.index, node.end_mark.index))

    def _entries(self, node: yaml.MappingNode) -> dict[str, Entry]:
        merged: dict[str, Entry] = {}
        own: dict[str, Entry] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                for key, entry in self._merged(value_node).items():
                    merged.setdefault(key, entry)
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                self._refuse(key_node, "has a list or a mapping as a key", "write a name, in quotes if it has brackets")
                continue
            key = self._scalar(key_node)
            if key.text in own:
                first = own[key.text].key.line
                self._refuse(key_node, f"{shown(key.text)} stands twice (first in line {first})", "keep one of them")
                continue
            own[key.text] = Entry(key, self.node(value_node))
        return {**{key: entry for key, entry in merged.items() if key not in own}, **own}

    def _merged(self, node: yaml.Node) -> dict[str, Entry]:
        sources: list[yaml.Node] = node.value if isinstance(node, yaml.SequenceNode) else [node]
        entries: dict[str, Entry] = {}
        for source in sources:
            made = self.node(source)
            if not isinstance(made, Mapping):
                self._refuse(node, "`<<` merges something that is no mapping", "give it an alias of a mapping, as `<<: *base`")
                continue
            for entry in made.entries:
                entries.setdefault(entry.key.text, entry)
        return entries

    def _refuse(self, node: yaml.Node, reason: str, remedy: str) -> None:
        self.problems.append(Problem("", reason, remedy, _line(node), self._file))


def _line(node: yaml.Node) -> int:
    return node.start_mark.line + 1


def _error(file: str, line: int | None, reason: str, remedy: str) -> ConfigError:
    return ConfigError([Problem("", reason, remedy, line, file)])


def _not_yaml(file: str, error: yaml.MarkedYAMLError, text: str) -> ConfigError:
    """The library's complaint without its excerpt of the file, which may hold a key."""
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark is not None else None
    wrong = text.splitlines()[line - 1] if line is not None and line <= len(text.splitlines()) else ""
    for sign, reason, remedy in _CAUSES:
        if sign(wrong, f"{error.context} {error.problem}"):
            return _error(file, line, reason, remedy)
    return _error(
        file, line, "is not YAML here", "check indentation (spaces only), colons, brackets and quotes of this line and the one before"
    )


_CAUSES: tuple[tuple[Callable[[str, str], bool], str, str], ...] = (
    (lambda line, problem: "\t" in line, "has a tab", "YAML indents with spaces only"),
    (lambda line, problem: "${" in line, "is not YAML here", "inside `[...]` and `{...}` write `$NAME`, or put `${NAME}` in quotes"),
    (
        lambda line, problem: line.strip().startswith(("*", "- *")) or ": *" in line,
        "is not YAML here",
        'a name that begins with `*` needs quotes, as `"*"`',
    ),
    (lambda line, problem: "single document" in problem, "has more than one document", "take out the second `---`"),
)
