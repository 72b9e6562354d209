"""Tells the gateway, before Codex starts, what models the installed Codex knows, so that it can answer Codex with a catalogue.

Codex asks `GET …/models` only of a provider whose key comes from a command, so one is given: it prints the key from the environment,
where the list of processes does not show it. Where the user's own settings of the provider do not go with a command (Codex would
refuse to start), the catalogue is fetched here and given to Codex as a file.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from dragoman.cli.codex.arguments import KEY_VARIABLE, Door
from dragoman.cli.codex.program import Program, ask
from dragoman.cli.codex.surroundings import has_own_catalogue, settings_against_a_command
from dragoman.cli.gateway import get, post
from dragoman.config.folders import cache_folder
from dragoman.wire.not_json import NOT_JSON

_PRINTS_KEY = f"import os; print(os.environ['{KEY_VARIABLE}'])"
_ANSWER_S = 30.0
_KEPT = 8


class _Printed(msgspec.Struct, frozen=True):
    """What `codex debug models` prints; the entries are Codex's affair."""

    models: msgspec.Raw


def open_door(program: Program, address: str, run: str, asked: Sequence[str], env: Mapping[str, str]) -> Door:
    """The door for a run of this Codex. Without a catalogue (an old Codex, an old gateway) it is the plain one, which works too.

    asked: model names that this run will use, which the gateway may know though it does not list them.
    """
    printed = known_models(program, env)
    if printed is None:
        return Door(address, run)
    key = env.get(KEY_VARIABLE)
    body = msgspec.json.encode({"models": printed.models, "asked": list(asked)})
    try:
        told = post(address, f"/api/runs/{run}/models", body, key=key, wait_s=_ANSWER_S)
        if told.status != 204:
            return Door(address, run)
        if not settings_against_a_command(env):
            return Door(address, run, _key_command(env))
        return Door(address, run, catalogue="" if has_own_catalogue(env) else _fetched(program, address, run, printed, env))
    except (OSError, http.client.HTTPException):
        return Door(address, run)


def _fetched(program: Program, address: str, run: str, printed: _Printed, env: Mapping[str, str]) -> str:
    """A file with Codex's own entries, which a file would otherwise replace, and then the gateway's; "" if it gives none."""
    headers = {"originator": "codex_dragoman", "x-dragoman-run": run}
    path = f"/openai/v1/models?client_version={program.version_text}"
    answer = get(address, path, key=env.get(KEY_VARIABLE), wait_s=_ANSWER_S, headers=headers)
    ours = _read(answer.body)
    if ours is None:
        return ""
    entries = [entry for models in (printed.models, ours.models) for entry in msgspec.json.decode(models, type=list[msgspec.Raw])]
    text = msgspec.json.encode({"models": entries})
    place = cache_folder(env) / f"codex-catalogue-{hashlib.sha256(text).hexdigest()[:16]}.json"
    _keep(place, text, "codex-catalogue-*.json")
    return str(place)


def known_models(program: Program, env: Mapping[str, str]) -> _Printed | None:
    """The catalogue that the installed Codex ships with, remembered by version and file; None if it does not print one."""
    place = _place(program, env)
    with contextlib.suppress(OSError):
        if (kept := _read(place.read_bytes())) is not None:
            return kept
    said = ask([program.path, "debug", "models", "--bundled"], env, wait_s=_ANSWER_S)
    printed = _read(said.out.encode()) if said.code == 0 else None
    if printed is not None:
        with contextlib.suppress(OSError):
            _keep(place, said.out.encode(), "codex-models-*.json")
    return printed


def _read(text: bytes) -> _Printed | None:
    try:
        return msgspec.json.decode(text, type=_Printed)
    except NOT_JSON:
        return None


def _place(program: Program, env: Mapping[str, str]) -> Path:
    """A file for this very installation: another version, or the same one installed anew, has another name."""
    with contextlib.suppress(OSError):
        file = Path(program.path).stat()
        return cache_folder(env) / f"codex-models-{program.version_text}-{file.st_size:x}-{file.st_mtime_ns:x}.json"
    return Path(os.devnull)


def _keep(place: Path, text: bytes, alike: str) -> None:
    """Whole or not at all, beside few others of its kind. Raises OSError."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = place.with_suffix(f".{os.getpid()}")
    draft.write_bytes(text)
    draft.replace(place)
    for old in sorted(place.parent.glob(alike), key=lambda path: path.stat().st_mtime)[:-_KEPT]:
        old.unlink(missing_ok=True)


def _key_command(env: Mapping[str, str]) -> tuple[str, ...]:
    """Prints the key, as fast as may be: `printenv` needs 2 ms, Python without its site packages 20."""
    printenv = shutil.which("printenv", path=env.get("PATH"))
    return (printenv, KEY_VARIABLE) if printenv else (sys.executable, "-I", "-S", "-c", _PRINTS_KEY)
