"""Names of models as config and clients write them: direct names, globs, and the one spelling behind two."""

from __future__ import annotations

import re
from collections.abc import Container

import msgspec

from dragoman.profiles.families import canonical

_WILD = re.compile(r"[*?]")


class Glob(msgspec.Struct, frozen=True):
    """A pattern with `*` (any letters, `/` too) and `?` (one letter), compared in the canonical spelling.

    `segment` is where the part between slashes begins that holds the first wildcard. `weight` sorts: more plain letters first.
    """

    text: str
    pattern: re.Pattern[str]
    segment: int
    weight: int

    @classmethod
    def parse(cls, text: str) -> Glob:
        """The glob that `text` writes."""
        plain = canonical(text)
        parts = ["(.*)" if letter == "*" else "." if letter == "?" else re.escape(letter) for letter in plain]
        first = _WILD.search(plain)
        before = plain[: first.start()] if first is not None else plain
        return cls(text, re.compile("".join(parts), re.DOTALL), before.rfind("/") + 1, len(_WILD.sub("", plain)))

    def matches(self, name: str) -> bool:
        """Whether a name, in any of its spellings, is one of those meant."""
        return self.pattern.fullmatch(canonical(name)) is not None

    def fill(self, name: str, target: str) -> str | None:
        """`target` with its `*` put in for `name`, or None if the glob does not match it.

        A `*` that stands alone between slashes is the name from the segment on that the glob's wildcard is in
        (`claude-*` -> `claude/*`: all of it; `openai/*` -> `main/*`: what follows the slash); one with letters beside it is what
        the glob's first `*` matched.
        """
        found = self.pattern.fullmatch(canonical(name))
        if found is None:
            return None
        if "*" not in target:
            return target
        whole = name[self.segment :]
        steps = target.split("/")
        caught = found.group(1) if found.re.groups else whole
        return "/".join(whole if step == "*" else step.replace("*", caught) for step in steps)


def is_glob(name: str) -> bool:
    """Whether a name of config is a pattern."""
    return _WILD.search(name) is not None


def split_direct(name: str, providers: Container[str]) -> tuple[str, str] | None:
    """(provider, model) of a name as `provider/model`, or None if it does not begin with a provider. The model may have slashes."""
    provider, slash, model = name.partition("/")
    return (provider, model) if slash and model and provider in providers else None


def skeleton(name: str) -> str:
    """The name without what is easily mistaken: case, and which of `.`, `-`, `_` stands where."""
    return re.sub(r"[._-]", "-", name.lower())
