"""A dragoman.yaml in the making: what was translated, remarks beside it, what has no counterpart. Holds no secret, ever."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from math import isfinite, lcm
from typing import Any

import msgspec

from dragoman.config.check_headers import KEY_HEADERS, OWN_HEADERS
from dragoman.config.problems import Path
from dragoman.config.secrets import looks_secret
from dragoman.profiles.registry import profile

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9]+")
_NOT_IN_PROVIDERS = re.compile(r"[^A-Za-z0-9._-]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TELLING = re.compile(r"auth|key|token|secret|cookie|passw", re.IGNORECASE)
_MOST_WEIGHT = 10_000
_ELSE = "look it up in docs/reference/configuration.md, or do without"


class Note(msgspec.Struct, frozen=True):
    """Something of the other configuration that has no counterpart. path: where it stands there; what: what became of it; remedy."""

    path: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}; {self.remedy}"


class Draft:
    """The settings so far, as plain values in the order in which they are to be written."""

    def __init__(self, reference: Callable[[str], str | None], document: object) -> None:
        """`reference`: the variable that a value of the other configuration refers to, None if it is no reference."""
        self.providers: dict[str, dict[str, Any]] = {}
        self.models: dict[str, Any] = {}
        self.routing: dict[str, Any] = {}
        self.prices: dict[str, dict[str, float]] = {}
        self.access: list[dict[str, Any]] = []
        self.server: dict[str, Any] = {}
        self.notes: list[Note] = []
        self.remarks: dict[Path, list[str]] = {}
        self.exports: dict[str, str] = {}
        self._reference = reference
        self._referred = {variable for text in _texts(document) if (variable := reference(text)) is not None}
        self._literals: dict[str, str] = {}

    def note(self, path: str, what: str, remedy: str) -> None:
        """Say that something has no counterpart."""
        self.notes.append(Note(path, what, remedy))

    def remark(self, path: Path, text: str) -> None:
        """Write a comment above a setting, since it is not quite what stood there before."""
        lines = self.remarks.setdefault(path, [])
        if text not in lines:
            lines.append(text)

    def secret(self, value: object, name: str, path: str) -> str:
        """How a secret is written: the variable that it refers to, or a new one, made of `name`, that must be exported."""
        text = str(value)
        variable = self._reference(text) or self._literals.get(text)
        if variable is None:
            variable = self._literals[text] = self.variable(name, path)
        return f"${variable}"

    def variable(self, name: str, path: str) -> str:
        """The name of a new variable, which must be exported. `path`: where its value stands."""
        made = _NOT_IN_NAMES.sub("_", name).strip("_").upper() or "KEY"
        made = f"_{made}" if made[0].isdigit() else made
        taken = self.exports.keys() | self._referred
        free = made if made not in taken else next(f"{made}_{n}" for n in range(2, len(taken) + 3) if f"{made}_{n}" not in taken)
        self.exports[free] = path
        return free

    def text(self, value: object, name: str, path: str) -> str:
        """How a value is written that may refer to a variable, or be a secret that must not stand in the file (a header's)."""
        written = str(value)
        if self._reference(written) is not None or _TELLING.search(name) or looks_secret(written):
            return self.secret(value, name, path)
        return written.replace("$", "$$") if written.startswith("$") else written

    def headers(self, given: Any, path: str) -> dict[str, str]:
        """Headers as they may be written; those that carry the provider key, or that the gateway sets itself, are left out."""
        sent, written = Given(given, path, self), dict[str, str]()
        for name in list(sent.names()):
            if name.lower() in KEY_HEADERS | OWN_HEADERS:
                self.note(sent.at(name), "is a header that the gateway sets itself", "it was left out")
            else:
                written[name] = self.text(sent.take(name), name, path)
        return written

    def url(self, value: object, name: str, path: str) -> str:
        """How an address is written: text, or the variable that it refers to."""
        written = str(value).strip()
        variable = self._reference(written)
        if variable is not None:
            return f"${{{variable}}}"
        if "@" in written or looks_secret(written.partition("?")[2]):
            return f"${{{self.variable(name, path)}}}"
        return written

    def maker_of(self, model: str) -> str | None:
        """The provider of this file that makes a model, or what a glob begins with; None if none does."""
        start = re.split(r"[*?]", model)[0]
        found = [name for name, made in self.providers.items() if start and _makes(made["kind"], start)]
        # The maker itself before one that hosts its models for others, and so has no address of its own.
        return next((name for name in found if profile(self.providers[name]["kind"]).base_url is not None), next(iter(found), None))

    def document(self) -> dict[str, Any]:
        """Everything, in the order of the file."""
        sections: dict[str, Any] = {
            "providers": self.providers,
            "models": self.models,
            "routing": self.routing,
            "prices": self.prices,
            "access": {"keys": self.access} if self.access else {},
            "server": self.server,
        }
        return {name: section for name, section in sections.items() if section}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    inner: list[Any] = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    for one in inner:
        yield from _texts(one)


def _makes(kind: str, start: str) -> bool:
    return any(start.startswith(prefix) or prefix.startswith(start) for prefix in profile(kind).families)


class Given:
    """A mapping of the other configuration that is read field by field, so that what nobody read can be told."""

    def __init__(self, value: object, path: str, draft: Draft) -> None:
        self.path = path
        self._draft = draft
        self._left: dict[str, Any] = dict(value) if isinstance(value, Mapping) else {}  # pyright: ignore[reportUnknownArgumentType]
        if value is not None and not isinstance(value, Mapping):
            draft.note(path or "the file", "is no mapping and was left out", "correct it there and import again")

    def take(self, name: str) -> Any:
        """A field's value; None if it is not there."""
        return self._left.pop(name, None)

    def number(self, name: str) -> float | None:
        """A field's value as a finite number, zero or more; None if it is none."""
        value = self.take(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value < 0:
            self._draft.note(self.at(name), "is no number that can be used", "write the setting yourself")
            return None
        return value

    def texts(self, name: str) -> list[str]:
        """A field's value as a list of texts."""
        value = self.take(name)
        if value is None:
            return []
        return [str(one) for one in value] if isinstance(value, list) else [str(value)]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]

    def within(self, name: str) -> Given:
        """A field that is a mapping."""
        return Given(self.take(name), self.at(name), self._draft)

    def each(self, name: str) -> list[Given]:
        """A field that is a list of mappings."""
        value = self.take(name)
        if value is not None and not isinstance(value, list):
            self._draft.note(self.at(name), "is no list and was left out", "correct it there and import again")
        return [Given(one, f"{self.at(name)}[{place}]", self._draft) for place, one in enumerate(value if isinstance(value, list) else [])]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]

    def items(self, name: str) -> list[tuple[str, Given]]:
        """A field that is a mapping of names to mappings."""
        inner = self.within(name)
        return [(key, inner.within(key)) for key in list(inner.names())]

    def names(self) -> Iterable[str]:
        """The fields that nobody has read yet."""
        return self._left

    def at(self, name: str) -> str:
        """The path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def rest(self, remedies: Mapping[str, str], silent: Iterable[str] = (), *, default: str = _ELSE) -> None:
        """Note every field that nobody read, with what to do about it. `silent`: those that mean nothing here."""
        for name in self._left:
            if name not in silent and self._left[name] not in (None, [], {}, ""):
                self._draft.note(self.at(name), "has no counterpart", remedies.get(name, default))


def provider_name(text: str, taken: Iterable[str]) -> str:
    """A name for a provider: no slash or blank in it, and none that is taken."""
    plain = _NOT_IN_PROVIDERS.sub("-", text).strip("-.") or "provider"
    used = set(taken)
    return plain if plain not in used else next(f"{plain}-{n}" for n in range(2, len(used) + 3) if f"{plain}-{n}" not in used)


def whole(weights: Iterable[float]) -> list[int]:
    """The smallest whole numbers in about the proportion of these weights; those of nothing stay 0."""
    shares = [Fraction(str(weight)).limit_denominator(1000) for weight in weights]
    scale = lcm(*(share.denominator for share in shares)) if shares else 1
    made = [int(share * scale) for share in shares]
    divisor = next((n for n in sorted({value for value in made if value}) if all(value % n == 0 for value in made)), 1)
    found = [value // divisor for value in made]
    most = max(found, default=0)
    return found if most <= _MOST_WEIGHT else [max(1, round(value * _MOST_WEIGHT / most)) if value else 0 for value in found]


def variable_after(scheme: str, text: str) -> str | None:
    """The environment variable that a text of this beginning refers to; None if it is no such text."""
    name = text.removeprefix(scheme)
    return name if name != text and _VARIABLE.fullmatch(name) is not None else None


def alias_or_mapping(targets: list[dict[str, Any]], settings: dict[str, Any]) -> Any:
    """A virtual model as a person would write it: an alias where nothing but one plain target is to be said."""
    plain = [target["model"] if target.keys() == {"model"} else target for target in targets]
    return plain[0] if len(plain) == 1 and isinstance(plain[0], str) and not settings else {"targets": plain, **settings}
