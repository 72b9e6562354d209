"""Conditions in CEL, as Bifrost's routing rules have them, as far as our conditions say the same: comparisons joined by && and ||.

https://docs.getbifrost.ai/providers/routing-rules
"""

from __future__ import annotations

import re
from typing import Any

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"[^"]*"|'[^']*')|(?P<mark>&&|\|\||==|!=|>=|<=|[!()\[\],.<>])|"""
    r"""(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<number>\d+))"""
)
_FIELDS: dict[str, str] = {"model": "model", "virtual_key_name": "key", "team_name": "team", "user_name": "user", "user_id": "user"}
_GLOBS = {"startsWith": "{}*", "endsWith": "*{}", "contains": "*{}*"}
_WILD = re.compile(r"[*?]")

When = dict[str, Any]


class CelError(ValueError):
    """The expression says something that our conditions do not."""


def read_cel(expression: str) -> When:
    """The condition, as `when` of a rule; empty if it always holds. Raises CelError with what cannot be said."""
    parser = _Parser(_tokens(expression))
    found = parser.read_any()
    parser.expect_end()
    return found


def _tokens(expression: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while expression[at:].strip():
        match = _TOKEN.match(expression, at)
        if match is None or match.lastgroup is None:
            raise CelError(f"`{expression[at:].strip()[:20]}` is not understood")
        found.append((match.lastgroup, match.group(match.lastgroup)))
        at = match.end()
    return found


class _Parser:
    """Recursive descent over the tokens."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0

    def read_any(self) -> When:
        """Conditions joined by ||."""
        found = [self._read_all()]
        while self._take("||"):
            found.append(self._read_all())
        return found[0] if len(found) == 1 else {} if {} in found else _merged(found) or {"any": found}

    def expect_end(self) -> None:
        """Raises CelError if something follows."""
        if self._at < len(self._tokens):
            raise CelError(f"`{self._tokens[self._at][1]}` is not understood there")

    def _read_all(self) -> When:
        found = [self._read_one()]
        while self._take("&&"):
            found.append(self._read_one())
        said = [one for one in found if one]
        together: When = {}
        for one in said:
            if together.keys() & one.keys():
                return {"all": said}
            together |= one
        return together

    def _read_one(self) -> When:
        if self._take("!"):
            return _negated(self._read_one())
        if self._take("("):
            inner = self.read_any()
            self._expect(")")
            return inner
        kind, word = self._next()
        if word == "true" and kind == "word":
            return {}
        if kind != "word":
            raise CelError(f"`{word}` is not understood there")
        return self._read_comparison(word)

    def _read_comparison(self, word: str) -> When:
        name = self._read_index() if self._take("[") else None
        if self._take("."):
            method = self._next()[1]
            self._expect("(")
            text = self._text()
            self._expect(")")
            if method not in _GLOBS:
                raise CelError(f"`{word}.{method}` has no counterpart")
            return _condition(word, name, _GLOBS[method].format(text))
        mark = self._next()[1]
        if mark == "in":
            return _condition(word, name, *self._texts())
        if mark not in ("==", "!="):
            raise CelError(f"`{word} {mark}` has no counterpart")
        found = _condition(word, name, self._text())
        return found if mark == "==" else _negated(found)

    def _read_index(self) -> str:
        name = self._text()
        self._expect("]")
        return name

    def _texts(self) -> list[str]:
        self._expect("[")
        found = [self._text()]
        while self._take(","):
            found.append(self._text())
        self._expect("]")
        return found

    def _text(self) -> str:
        kind, word = self._next()
        if kind != "text" or _WILD.search(word):
            raise CelError(f"`{word}` is no plain text")
        return word[1:-1]

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise CelError("it ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, mark: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == ("mark", mark):
            self._at += 1
            return True
        return False

    def _expect(self, mark: str) -> None:
        if not self._take(mark):
            raise CelError(f"`{mark}` is missing")


def _condition(word: str, name: str | None, *texts: str) -> When:
    value: Any = texts[0] if len(texts) == 1 else list(texts)
    if word == "headers" and name is not None:
        return {"headers": {name.lower(): value}}
    field = _FIELDS.get(word)
    if field is None or name is not None:
        raise CelError(f"`{word}` has no counterpart")
    return {field: value}


def _negated(inner: When) -> When:
    if not inner:
        raise CelError("it never holds")
    return inner["not"] if inner.keys() == {"not"} else {"not": inner}


def _merged(found: list[When]) -> When | None:
    """One condition for several of the same single field: `model` is one or the other."""
    names = {tuple(one) for one in found}
    if len(names) != 1 or len(names.pop()) != 1:
        return None
    name = next(iter(found[0]))
    if name in ("headers", "any", "all", "not"):
        return None
    texts = [text for one in found for text in (one[name] if isinstance(one[name], list) else [one[name]])]
    return {name: list(dict.fromkeys(texts))}
