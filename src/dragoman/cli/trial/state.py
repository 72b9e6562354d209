"""What is remembered of a try: one small JSON file beside its worktrees, written whole each time, and a lock for as long as it runs."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, Literal

import click
import msgspec

from dragoman.config.folders import state_folder
from dragoman.wire.not_json import NOT_JSON

_FILE = "try.json"
_LOCK = "lock"
State = Literal["waiting", "running", "ended", "stopped", "timeout"]


class Entry(msgspec.Struct):
    """One model's try. label: what it is called. folder: the name of its worktree beside the file, and of its log and last message.

    run: its id at the gateway. code: Codex's exit code. commit: its work, over the base. sums: what the gateway counted
    (`GET /api/runs/{run}`), {} if it told nothing.
    """

    label: str
    model: str
    folder: str
    run: str
    state: State = "waiting"
    code: int | None = None
    began_at: float = 0.0
    took_s: float = 0.0
    commit: str | None = None
    message: str = ""
    sums: dict[str, Any] = {}


class Trial(msgspec.Struct):
    """One task and its tries. root: the user's working tree. inside: where in it the task was given. base: the commit that all start
    from, `head` itself or one on top of it with what was not committed (`uncommitted` files). kept: the label of what was kept."""

    id: str
    root: str
    inside: str
    task: str
    head: str
    base: str
    began_at: float
    uncommitted: int = 0
    entries: list[Entry] = []
    kept: str | None = None


def tries_folder(env: Mapping[str, str]) -> Path:
    """Where all tries are: `$XDG_STATE_HOME/dragoman/tries`."""
    return state_folder(env) / "tries"


def folder_of(env: Mapping[str, str], trial: Trial) -> Path:
    """Where a try is."""
    return tries_folder(env) / trial.id


def save(env: Mapping[str, str], trial: Trial) -> None:
    """Write it down; whoever reads at the same moment sees the old or the new, whole."""
    file = folder_of(env, trial) / _FILE
    written = file.with_suffix(".new")
    written.write_bytes(msgspec.json.format(msgspec.json.encode(trial)))
    written.replace(file)


def load_all(env: Mapping[str, str]) -> list[Trial]:
    """All tries, the oldest first. Folders without a readable file are left out."""
    found: list[Trial] = []
    for file in tries_folder(env).glob(f"*/{_FILE}"):
        with contextlib.suppress(OSError, *NOT_JSON):
            found.append(msgspec.json.decode(file.read_bytes(), type=Trial))
    return sorted(found, key=lambda trial: trial.began_at)


def find_trial(env: Mapping[str, str], name: str) -> Trial:
    """The try of this id, or the only one whose id begins so. Raises ClickException."""
    found = [trial for trial in load_all(env) if trial.id.startswith(name)]
    if len(found) == 1:
        return found[0]
    what = "more than one try begins with" if found else "there is no try"
    raise click.ClickException(f"{what} `{name}`; `dragoman tries` lists them")


def find_entry(trial: Trial, name: str) -> Entry:
    """The try of this model: its label, its number in the table, or a part that only one label has. Raises ClickException."""
    exact = [entry for number, entry in enumerate(trial.entries, 1) if name in (entry.label, str(number))]
    found = exact or [entry for entry in trial.entries if name and name in entry.label]
    if len(found) == 1:
        return found[0]
    named = ", ".join(f"`{entry.label}`" for entry in trial.entries)
    raise click.ClickException(f"`{name}` is {'more than one' if found else 'none'} of the models of try `{trial.id}`: {named}")


@contextlib.contextmanager
def locked(env: Mapping[str, str], trial: Trial) -> Generator[None]:
    """Hold the try as running, even if we are killed: the kernel lets go of the lock with us."""
    folder = folder_of(env, trial)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / _LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_running(env: Mapping[str, str], trial: Trial) -> bool:
    """Does somebody hold it as running?"""
    try:
        with (folder_of(env, trial) / _LOCK).open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def forget(env: Mapping[str, str], trial: Trial) -> None:
    """Remove its folder with everything in it."""
    shutil.rmtree(folder_of(env, trial), onerror=_make_writable)


def folder_names(labels: tuple[str, ...]) -> list[str]:
    """A plain name for each label, no two alike even where case does not count."""
    names: list[str] = []
    for label in labels:
        plain = re.sub(r"[^A-Za-z0-9.]+", "-", label).strip("-.")[:60] or "model"
        taken = {name.lower() for name in names}
        names.append(next(name for name in (plain, *(f"{plain}-{n}" for n in range(2, 1000))) if name.lower() not in taken))
    return names


def _make_writable(function: Any, path: str, error: object) -> None:
    """Tools such as Go's leave directories that nobody may write to."""
    parent = os.path.dirname(path)  # noqa: PTH120
    for place in (parent, path):
        with contextlib.suppress(OSError):
            os.chmod(place, 0o700)  # noqa: PTH101
    function(path)
