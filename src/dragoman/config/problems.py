"""What is wrong with a config, collected until everything was looked at: each with its path, line, reason and remedy."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path as FilePath

import msgspec

from dragoman.config.secrets import looks_secret, without_secrets

Path = tuple[str | int, ...]
"""Where something stands: names of fields and indexes of lists, from the top."""

_PLAIN = re.compile(r"[A-Za-z0-9_/-]+")
_NAMED = 12
"""Names that a sentence bears; a config may have thousands."""


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong. `path` is as `models.coder.targets[1].model` (empty: the file as a whole), `line` counts from 1
    (None: no line of a file), `file` is its name (None: not from a file). `reason` and `remedy` are never a secret."""

    path: str
    reason: str
    remedy: str = ""
    line: int | None = None
    file: str | None = None

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        parts = [part for part in (place, self.path) if part]
        sentence = f"{self.reason}; {self.remedy}" if self.remedy else self.reason
        return ": ".join([*parts, sentence])


class ConfigError(Exception):
    """A config that cannot be used, with every problem that was found in it. `files`: those that it takes secrets from."""

    def __init__(self, problems: Iterable[Problem], files: Iterable[FilePath] = ()) -> None:
        self.problems = tuple(problems)
        self.files = tuple(files)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Findings:
    """Collects problems and warnings while a config is read and checked. One problem per path: the first is the cause."""

    def __init__(self, file: str | None = None) -> None:
        self.file = file
        self.lines: dict[Path, int] = {}
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self._paths: set[Path] = set()

    def refuse(self, path: Path, reason: str, remedy: str = "", *, line: int | None = None) -> None:
        """Note something that forbids the config."""
        if path in self._paths:
            return
        self._paths.add(path)
        self.problems.append(self._problem(path, reason, remedy, line))

    def warn(self, path: Path, reason: str, remedy: str = "") -> None:
        """Note something that works and may not be meant."""
        self.warnings.append(self._problem(path, reason, remedy, None))

    def blames(self, path: Path) -> bool:
        """Whether something at this path, or below it, was refused already."""
        return any(known[: len(path)] == path for known in self._paths)

    def error(self, files: Iterable[FilePath] = ()) -> ConfigError:
        """The error that tells everything, in the order of the file. `files`: those that secrets come from."""
        ordered = sorted(self.problems, key=lambda problem: problem.line or 0)
        return ConfigError(ordered, files)

    def _problem(self, path: Path, reason: str, remedy: str, line: int | None) -> Problem:
        return Problem(show_path(path), without_secrets(reason), without_secrets(remedy), line or self._line(path), self.file)

    def _line(self, path: Path) -> int | None:
        """The line of the path, or of the nearest thing around it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None


def show_path(path: Path) -> str:
    """`models.coder.targets[1].model`; names that are not plain words stand in brackets: `models["gpt-4.1"]`, and
    what may be a key is hidden."""
    text = ""
    for given in path:
        step = "***" if isinstance(given, str) and looks_secret(given) else given
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f'["{step}"]'
    return text


def nearest(word: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The known words most like `word`, best first; empty if none is near."""
    lowered = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower()[:128], list(lowered), n=count, cutoff=0.6)
    return [lowered[name] for name in found]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """ "did you mean `a`?" or "did you mean `a`, `b` or `c`?"; empty if nothing is near."""
    found = nearest(word, known)
    return f"did you mean {any_of(found)}?" if found else ""


def first_of(texts: Sequence[str], most: int) -> str:
    """`most` of them at the most, and how many more there are."""
    return ", ".join(texts[:most]) + (f" and {len(texts) - most} more" if len(texts) > most else "")


def any_of(names: Iterable[str]) -> str:
    """`a`, `b` or `c`, each in backticks; of many names the first ones, and how many more there are."""
    quoted = [f"`{name}`" for name in names]
    if len(quoted) > _NAMED:
        return f"{', '.join(quoted[:_NAMED])} or {len(quoted) - _NAMED} more"
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]]) if len(quoted) > 1 else "".join(quoted)
