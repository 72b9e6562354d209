"""Puts an earlier revision back into a config file, so that nothing of anybody is lost and no secret is made up."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from dragoman.app.revisions import Revisions
from dragoman.config.load import parse
from dragoman.config.problems import ConfigError, any_of
from dragoman.config.written import read_written, refill
from dragoman.ir.errors import GatewayError, Kind

_NEW_MODE = 0o600


class Rolled(msgspec.Struct, frozen=True):
    """What a rollback did. `changed`: False if the file said the same already."""

    path: str
    revision: int
    changed: bool


def roll_back(file: Path, number: int, env: Mapping[str, str]) -> Rolled:
    """Write revision `number` into its file, comments and all; a gateway that runs on it takes it up like any other change.

    Secrets that stand in the file itself are not kept with revisions; they are taken from the file as it is now.

    Raises GatewayError: no such revision; the file holds something that is in no revision and would be lost, or was changed in
    this moment; a secret of that revision stands nowhere any more. Raises ConfigError where that revision could not be used now.
    """
    revisions = Revisions.of(file, env)
    revision = revisions.get(number)
    place = file.resolve()
    raw = place.read_bytes() if place.is_file() else None
    if raw is not None:
        _check_kept(raw, file, revisions)
    text, lacking = refill(revision.text, raw or b"{}", file.name)
    if lacking:
        raise _refusal(
            f"revision {number} had a key in plain at {any_of(lacking)}, which no revision keeps, and `{file.name}` has none there now; "
            f"write it as `$VARIABLE`, or put one there before rolling back"
        )
    fresh = text.encode()
    parse(fresh, env, file=f"{file.name} of revision {number}", folder=file.parent)
    if fresh == raw:
        return Rolled(str(file), number, changed=False)
    _replace(place, fresh, raw)
    return Rolled(str(file), number, changed=True)


def _check_kept(raw: bytes, file: Path, revisions: Revisions) -> None:
    with contextlib.suppress(ConfigError):
        if revisions.holds(read_written(raw, file.name)):
            return
    raise _refusal(
        f"`{file.name}` was changed since its newest revision and those changes would be lost: it says what is in no revision; "
        f"let a gateway take it up, or move it away (`mv {file} {file}.old`) and roll back with `--config {file}`"
    )


def _replace(place: Path, fresh: bytes, before: bytes | None) -> None:
    """Put the new text in the file's place at once, as nobody's half-written one, unless somebody changed it meanwhile."""
    mode = stat.S_IMODE(place.stat().st_mode) if before is not None else _NEW_MODE
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
    try:
        with os.fdopen(handle, "wb") as new:
            new.write(fresh)
            os.fchmod(new.fileno(), mode)
            new.flush()
            os.fsync(new.fileno())
        if (place.read_bytes() if place.is_file() else None) != before:
            raise _refusal(f"`{place.name}` was changed in this moment by somebody else; look at it and roll back again")
        Path(name).replace(place)
    finally:
        Path(name).unlink(missing_ok=True)


def _refusal(message: str) -> GatewayError:
    return GatewayError(Kind.INVALID_REQUEST, message, source="client", status=409)
