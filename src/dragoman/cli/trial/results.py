"""What a try came to: its worktree as a commit, and the side-by-side comparison of all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from dragoman.cli.columns import aligned
from dragoman.cli.trial import wording
from dragoman.cli.trial.repository import Change, GitFailed, Repository
from dragoman.cli.trial.state import Entry, Trial, folder_of
from dragoman.observe.line import legible

_HEAD = ("", "model", "outcome", "files", "lines", "tokens in (cached) / out", "cost", "time", "answered by")
_STAT_FILES = 12


def work_of(repository: Repository, env: Mapping[str, str], trial: Trial, entry: Entry) -> str | None:
    """The tree of what this model has made of the files: of its worktree, which somebody may have gone on in, while it is there; else
    of the commit that was taken when it ended. None: nothing was begun."""
    place = folder_of(env, trial) / entry.folder
    if (place / ".git").exists():
        return repository.snapshot(place)
    return repository.tree(entry.commit) if entry.commit else None


def settle(repository: Repository, env: Mapping[str, str], trial: Trial, entry: Entry) -> None:
    """Write down what a try that ended has left: its work as a commit that git keeps, its last words."""
    folder = folder_of(env, trial)
    tree = work_of(repository, env, trial, entry)
    if tree is not None:
        entry.commit = repository.commit(tree, trial.base, f"{entry.label}: {trial.task}")
        repository.keep_ref(f"{trial.id}/{entry.folder}", entry.commit)
    entry.message = wording.first_line(_read(last_message_path(folder, entry)))
    if not entry.message and entry.state == "ended" and entry.code:
        said = [line for line in _read(log_path(folder, entry)).splitlines() if line.strip()]
        errors = [line for line in said if "error" in line.lower()]
        entry.message = wording.first_line((errors or said or [""])[-1])


def last_message(env: Mapping[str, str], trial: Trial, entry: Entry) -> str:
    """The model's last message, whole, with nothing in it that a terminal would obey."""
    text = _read(last_message_path(folder_of(env, trial), entry)).strip()
    return legible(text, "\n\t")


def log_path(folder: Path, entry: Entry) -> Path:
    """Everything that Codex said."""
    return folder / f"{entry.folder}.log"


def last_message_path(folder: Path, entry: Entry) -> Path:
    """The model's last message."""
    return folder / f"{entry.folder}.last.txt"


def comparison(repository: Repository, env: Mapping[str, str], trial: Trial) -> str:
    """The table, and for each model its last words and its files."""
    changes = {entry.label: _changes(repository, env, trial, entry) for entry in trial.entries}
    rows = [_HEAD, *(_row(number, entry, changes[entry.label]) for number, entry in enumerate(trial.entries, 1))]
    blocks = [
        [f"{click.style(entry.label, bold=True)}: {entry.message or '(no last message)'}", *_files(changes[entry.label])]
        for entry in trial.entries
    ]
    head = [*_title(trial), "", *aligned(rows)]
    return "\n".join([*head, *(line for block in blocks for line in ("", *block))])


def _title(trial: Trial) -> list[str]:
    start = f"from {trial.head[:10]}"
    if trial.uncommitted:
        start += f" and {trial.uncommitted} uncommitted file{'' if trial.uncommitted == 1 else 's'} of yours, which no diff below shows"
    kept = [f"kept: {trial.kept}"] if trial.kept else []
    return [f"try {click.style(trial.id, bold=True)}: {trial.task}", start, *kept]


def next_steps(repository: Repository, env: Mapping[str, str], trial: Trial) -> str:
    """What can be typed now. The model in the example is the first that came to its end and changed something."""
    good = [entry for entry in trial.entries if entry.state == "ended" and entry.code == 0 and entry.commit]
    example = ([entry for entry in good if repository.changes(trial.base, entry.commit or trial.base)] or good or trial.entries)[0].label
    steps = (
        (f"dragoman tries show {trial.id} {example}", "its whole diff"),
        (f"dragoman tries keep {trial.id} {example}", "put its changes into your working tree"),
        (f"dragoman tries drop {trial.id}", "remove the worktrees"),
    )
    return "\n".join([*(f"  {line}" for line in aligned(steps)), f"  worktrees and logs: {folder_of(env, trial)}"])


def _row(number: int, entry: Entry, changes: list[Change]) -> tuple[str, ...]:
    return (
        str(number),
        entry.label,
        wording.outcome(entry),
        str(len(changes)) if changes else "none",
        wording.lines_changed(changes),
        wording.tokens(entry.sums),
        wording.cost(entry.sums),
        wording.duration(entry.took_s) if entry.took_s else "-",
        wording.answered(entry.sums),
    )


def _changes(repository: Repository, env: Mapping[str, str], trial: Trial, entry: Entry) -> list[Change]:
    """Of a worktree that git cannot read any more, nothing is told."""
    try:
        tree = work_of(repository, env, trial, entry)
    except GitFailed:
        return []
    return repository.changes(trial.base, tree) if tree else []


def _files(changes: list[Change]) -> Iterator[str]:
    shown = [(change.path, "binary" if change.added is None else wording.lines_changed([change])) for change in changes[:_STAT_FILES]]
    yield from (f"  {line}" for line in aligned(shown))
    if len(changes) > _STAT_FILES:
        yield f"  and {len(changes) - _STAT_FILES} more"


def _read(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""
