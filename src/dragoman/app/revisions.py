"""The numbered revisions of a config file, kept in the user's data directory, one file each, without the secrets that stood in it.

No index: a revision is a file whose name is its number, made by a link that fails where the number is taken. So several gateways
on one config share its revisions without a lock, and a crash leaves nothing half done.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from dragoman.config.folders import data_folder
from dragoman.config.written import Written
from dragoman.ir.errors import GatewayError, Kind

_KEPT = 100
"""Revisions of one file that are kept."""
_ATTEMPTS = 100


class Revision(msgspec.Struct, frozen=True):
    """One revision. `made_at`: Unix seconds. `text`: the file without the secrets that stood in it."""

    number: int
    made_at: float
    text: str


class Revisions:
    """Those of one config file, in `folder`, which is made when the first is kept."""

    def __init__(self, folder: Path, *, kept: int = _KEPT) -> None:
        self._folder = folder
        self._most = kept

    @classmethod
    def of(cls, file: Path, env: Mapping[str, str]) -> Revisions:
        """Those of this file. Two files of one name are told apart by where they are."""
        place = file.absolute()
        mark = hashlib.sha256(str(place).encode("utf-8", "surrogateescape")).hexdigest()[:12]
        return cls(data_folder(env) / "revisions" / f"{place.stem}-{mark}")

    def keep(self, written: Written) -> int:
        """The number of this text: the newest one's if that is the same, else a new one. Raises OSError where nothing can be kept."""
        for _ in range(_ATTEMPTS):
            numbers = self._numbers()
            newest = self._read(numbers[-1]) if numbers else None
            if newest is not None and newest.text == written.text:
                return newest.number
            number = (numbers[-1] if numbers else 0) + 1
            if self._write(number, written.text):
                self._forget([*numbers, number])
                return number
        raise FileExistsError(f"no free number in {self._folder}")

    def all(self) -> tuple[Revision, ...]:
        """Every revision that is kept, oldest first."""
        return tuple(found for number in self._numbers() if (found := self._read(number)) is not None)

    def get(self, number: int) -> Revision:
        """One of them. Raises GatewayError(not_found) that names those there are."""
        found = self._read(number)
        if found is not None:
            return found
        numbers = self._numbers()
        there = f"there are {numbers[0]} to {numbers[-1]}" if numbers else "a running gateway keeps one when it takes up a changed file"
        raise GatewayError(Kind.NOT_FOUND, f"there is no revision {number}; {there}", source="client")

    def holds(self, written: Written) -> bool:
        """Whether this text is one of them."""
        return any(one.text == written.text for one in self.all())

    def _numbers(self) -> list[int]:
        try:
            names = [path.stem for path in self._folder.iterdir() if path.suffix == ".yaml"]
        except OSError:
            return []
        return sorted(int(name) for name in names if name.isascii() and name.isdigit())

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:06}.yaml"

    def _read(self, number: int) -> Revision | None:
        path = self._path(number)
        try:
            # As bytes: line ends are part of the text.
            return Revision(number, path.stat().st_mtime, path.read_bytes().decode("utf-8"))
        except (OSError, UnicodeDecodeError):
            return None

    def _write(self, number: int, text: str) -> bool:
        """Whether the number was still free. The file is whole as soon as it has its name."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._folder, suffix=".new")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            os.link(name, self._path(number))
        except FileExistsError:
            return False
        finally:
            Path(name).unlink(missing_ok=True)
        return True

    def _forget(self, numbers: list[int]) -> None:
        for number in numbers[: -self._most]:
            with contextlib.suppress(OSError):
                self._path(number).unlink()
